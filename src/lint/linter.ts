import { fail, type SourceSpan } from '../core/index.ts'
import {
  type Dockerfile,
  type DockerfileNode,
  expand,
  parseInstruction,
  type Stage,
  type StageInstruction,
  type SyntaxTree,
  type Token,
} from '../dockerfile/index.ts'
import { parsePlatform } from '../oci/index.ts'
import { type CheckOptions, isEnabled, withComments } from './options.ts'
import type {
  BaseFacts,
  Finding,
  PlacedInstruction,
  Rule,
  RuleHead,
  StepFacts,
  Surroundings,
  Variables,
} from './rule.ts'
import { rulesAbout } from './rules.ts'

/** What a rule found, for the user. Plain data. */
export interface LintWarning {
  readonly rule: string
  readonly description: string
  readonly url?: string
  readonly message: string
  readonly span: SourceSpan
}

/**
 * Hears what the build comes to know, and judges it at once. Each function is called for what there is, in this order:
 * a file that is no Dockerfile has a text only, and a stage that is not needed has no steps.
 */
export interface Linter {
  /** The file as text, with its instructions up to the first one that makes no sense. */
  text(tree: SyntaxTree): void
  /** The file once it is understood. */
  file(dockerfile: Dockerfile, defaults: Variables | undefined): void
  /** All FROM, with the arguments that they can use. */
  from(dockerfile: Dockerfile, globals: Variables): void
  /** A base image that was found. */
  base(base: BaseFacts): void
  /** A stage that begins; `parent` is the stage it begins from, which has had all of its steps. */
  stage(stage: Stage, parent: Stage | undefined): void
  /** An instruction that the build comes to. */
  step(stage: Stage, instruction: StageInstruction, known: Surroundings): void
  /** Forgets the steps: BuildKit looks at none when a base image is missing. */
  dropSteps(): void
  /** What was found, in BuildKit's order. */
  warnings(): LintWarning[]
  /** Fails with `LINT_VIOLATION` when something was found and `error=true` is set. */
  refuse(): void
}

/** Where a warning stands among all: the phase, the stage, and the moment. */
type Place = readonly [phase: number, stage: number]

interface Ranked {
  place: Place
  warning: LintWarning
  isError: boolean
}

/** What a linter remembers. */
interface State {
  readonly options: CheckOptions
  readonly found: Ranked[]
  readonly nodes: DockerfileNode[]
  /** By the number of the stage. */
  readonly stages: Map<number, Pick<StepFacts, 'inherited'> & { before: Map<Kind, PlacedInstruction> }>
}

type Kind = StageInstruction['kind']
type Comments = DockerfileNode['comments']

const PHASES: readonly Rule['about'][] = ['text', 'node', 'stage', 'file', 'from', 'base', 'step']

/** A linter for one Dockerfile. */
export function createLinter(options: CheckOptions): Linter {
  const state: State = { options, found: [], nodes: [], stages: new Map() }
  return {
    text: (tree) => lintText(state, tree),
    file: (dockerfile, defaults) => lintFile(state, dockerfile, defaults),
    from: (dockerfile, globals) => lintFrom(state, dockerfile, globals),
    base: (base) => {
      for (const rule of rulesAbout('base')) add(state, rule, base.span.line, rule.check(base))
    },
    stage: (stage, parent) => {
      const from = parent && state.stages.get(parent.index)
      const inherited = new Set([...(from?.inherited ?? []), ...(from?.before.keys() ?? [])])
      state.stages.set(stage.index, { before: new Map(), inherited })
    },
    step: (stage, instruction, known) => lintStep(state, stage, instruction, known),
    dropSteps: () => {
      const kept = state.found.filter(({ place }) => place[0] !== PHASES.indexOf('step'))
      state.found.splice(0, state.found.length, ...kept)
    },
    warnings: () => ranked(state).map(({ warning }) => warning),
    refuse: () => refuse(state),
  }
}

function lintText(state: State, tree: SyntaxTree): void {
  state.nodes.push(...tree.nodes)
  for (const rule of rulesAbout('text')) add(state, rule, 0, rule.check(tree))
  for (const node of tree.nodes) {
    for (const rule of rulesAbout('node')) add(state, rule, 0, rule.check(node))
    if (!isUnderstood(node)) return
  }
}

function isUnderstood(node: DockerfileNode): boolean {
  try {
    parseInstruction(node)
    return true
  } catch {
    return false
  }
}

function lintFile(state: State, dockerfile: Dockerfile, defaults: Variables | undefined): void {
  const names = new Set<string>()
  for (const stage of dockerfile.stages) {
    for (const rule of rulesAbout('stage')) add(state, rule, stage.index, rule.check(stage, names))
    if (stage.name !== undefined) names.add(stage.name)
  }
  const facts = { dockerfile, ...(defaults ? { defaults } : {}) }
  for (const rule of rulesAbout('file')) add(state, rule, 0, rule.check(facts))
}

function lintFrom(state: State, dockerfile: Dockerfile, globals: Variables): void {
  const declared = new Set(
    dockerfile.globalArgs.flatMap(({ declarations }) => declarations.map(({ name }) => name.text)),
  )
  for (const stage of dockerfile.stages) {
    const { platform, ...rest } = stage.from
    const isBase = !isBlank(rest.base, globals, dockerfile)
    // as in BuildKit, which goes no further than the first mistake
    const seen = isBase ? stage : { ...stage, from: rest }
    const facts = { stage: seen, escape: dockerfile.escape, globals, declared }
    for (const rule of rulesAbout('from')) add(state, rule, stage.index, rule.check(facts))
    if (!isBase || (platform && !isPlatform(platform, globals, dockerfile))) return
  }
}

function isBlank({ text }: Token, globals: Variables, dockerfile: Dockerfile): boolean {
  try {
    return expand(text, globals, dockerfile).text === ''
  } catch {
    return true
  }
}

function isPlatform({ text }: Token, globals: Variables, dockerfile: Dockerfile): boolean {
  try {
    parsePlatform(expand(text, globals, dockerfile).text)
    return true
  } catch {
    return false
  }
}

function lintStep(state: State, stage: Stage, instruction: StageInstruction, known: Surroundings): void {
  const { before, inherited } = state.stages.get(stage.index)!
  const { source } = stage.from.node.span
  const { span } = instruction.node.span.source === source ? instruction.node : stage.from.node
  const facts = { ...known, instruction, span, before, inherited }
  const findings = rulesAbout('step').flatMap((rule) => rule.check(facts).map((finding) => ({ rule, finding })))
  findings.sort((a, b) => (a.finding.word ?? 0) - (b.finding.word ?? 0))
  const { comments } = instruction.node
  for (const { rule, finding } of findings) add(state, rule, stage.index, [finding], comments)
  before.set(instruction.kind, { instruction, span })
}

/** Keeps what the options let through: those of the file, and of comments above what is shown or above its cause. */
function add(state: State, rule: Rule, stage: number, findings: readonly Finding[], comments: Comments = []): void {
  for (const { message, span } of findings) {
    const options = withComments(state.options, [...commentsAt(state, span.line), ...comments])
    if (!isEnabled(options, rule)) continue
    const warning = { ...headOf(rule), message, span }
    state.found.push({ place: [PHASES.indexOf(rule.about), stage], warning, isError: options.error })
  }
}

/** The comments above the instruction that a line belongs to. */
function commentsAt({ nodes }: State, line: number): Comments {
  let [first, last] = [0, nodes.length - 1]
  while (first < last) {
    const middle = Math.ceil((first + last) / 2)
    if (nodes[middle]!.span.line <= line) first = middle
    else last = middle - 1
  }
  return nodes[first]?.comments ?? []
}

function headOf({ name, description, url }: RuleHead): Omit<LintWarning, 'message' | 'span'> {
  return { rule: name, description, ...(url === undefined ? {} : { url }) }
}

function ranked({ found }: State): Ranked[] {
  return [...found].sort((a, b) => a.place[0] - b.place[0] || a.place[1] - b.place[1])
}

function refuse({ found }: State): void {
  const names = [...new Set(found.filter(({ isError }) => isError).map(({ warning }) => warning.rule))].sort()
  if (names.length === 0) return
  throw fail('LINT_VIOLATION', `lint violation found for rules: ${names.join(', ')}`, {
    hint: 'The Dockerfile asks for this with "# check=error=true".',
  })
}
