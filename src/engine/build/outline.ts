import path from 'node:path'
import {
  BuildSession,
  globalArguments,
  type PlanListener,
  type PlanOptions,
  type StageState,
} from '../../build/index.ts'
import type { Job, SourceFile, SourceSpan } from '../../core/index.ts'
import {
  type ArgInstruction,
  type DescribedDeclaration,
  type Dockerfile,
  expand,
  findStage,
  parseDockerfile,
  parseMount,
  type RunInstruction,
  type Stage,
} from '../../dockerfile/index.ts'
import type { Store } from '../../store/index.ts'
import { loadDefinition } from './definition.ts'
import { linterOf, planLinted, tellWarnings } from './lint.ts'
import { planOptions, targetPlatforms } from './plan-options.ts'
import { planSources } from './plan-sources.ts'
import type { BuildRequest } from './request.ts'

/** What a build of a target can be given. All lists are in the order of the Dockerfile. */
export interface Outline {
  /** Of the target; missing when it has none. */
  readonly name?: string
  readonly description?: string
  readonly args: readonly OutlineArg[]
  readonly secrets: readonly OutlineNeed[]
  readonly ssh: readonly OutlineNeed[]
  readonly source: SourceFile
}

/** A build argument. */
export interface OutlineArg {
  readonly name: string
  /** What it would be now; `''` for nothing. */
  readonly value: string
  readonly description?: string
  readonly span: SourceSpan
}

/** A secret or an ssh agent. */
export interface OutlineNeed {
  readonly name: string
  readonly required: boolean
  readonly span: SourceSpan
}

/** Outlines the target and what it needs. Fails as a build fails before its first step. */
export async function outline(store: Store, request: BuildRequest, job: Job): Promise<Outline> {
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  const definition = await loadDefinition(session, request, job)
  const dockerfile = parseDockerfile(definition.source)
  const options = planOptions(request, targetPlatforms(request)[0]!)
  const linter = linterOf(dockerfile, options)
  const draft = new Draft(dockerfile, options)
  // what is only looked at is no reason to bring images
  const sources = planSources(session, { pull: 'never', ...request }, definition, job)
  const plan = { options, sources, ignore: definition.ignore, listener: draft }
  await planLinted(dockerfile, linter, plan).finally(() => tellWarnings(linter.warnings(), definition.task, job))
  const target = options.target ? findStage(dockerfile.stages, options.target)! : dockerfile.stages.length - 1
  return draft.outline(target)
}

/** An argument, and the arguments that its default is made of. */
interface Argument {
  arg: OutlineArg
  parts: ReadonlySet<string>
}

/** What one stage takes. */
interface Takes {
  /** Those that it declares itself. */
  own: Map<string, OutlineArg>
  /** Names that it uses, its own and global ones. */
  used: Set<string>
  secrets: Map<string, OutlineNeed>
  ssh: Map<string, OutlineNeed>
  /** Stages that it is made from, its base first. */
  from: Set<number>
}

/** Listens while the build is planned, and notes what stages take. */
class Draft implements PlanListener {
  readonly #dockerfile: Dockerfile
  readonly #options: PlanOptions
  readonly #globals: Map<string, Argument>
  readonly #stages = new Map<number, Takes>()

  constructor(dockerfile: Dockerfile, options: PlanOptions) {
    this.#dockerfile = dockerfile
    this.#options = options
    this.#globals = globalsOf(dockerfile, options)
  }

  begun(stage: Stage, parent: Stage | undefined): void {
    const { base, platform } = stage.from
    const globals = globalArguments(this.#dockerfile, this.#options)
    const used = [base, ...(platform ? [platform] : [])].flatMap(({ text }) => [
      ...expand(text, globals, this.#dockerfile).used,
    ])
    const from = new Set(parent ? [parent.index] : [])
    this.#stages.set(stage.index, {
      own: new Map(),
      used: new Set(used),
      secrets: new Map(),
      ssh: new Map(),
      from,
    })
  }

  reached(stage: Stage, instruction: Stage['instructions'][number], state: StageState): void {
    const takes = this.#stages.get(stage.index)!
    if (instruction.kind === 'arg') this.#declare(takes, instruction, state)
    if (instruction.kind === 'run') this.#mount(takes, instruction, state)
    if (instruction.kind === 'copy' && instruction.from) this.#needs(takes, instruction.from.text)
  }

  #declare(takes: Takes, { declarations, node }: ArgInstruction, state: StageState): void {
    const values = new Map(state.env)
    for (const { name, value, description } of declarations) {
      const given = this.#options.buildArgs[name.text]
      const text = given ?? (value && expand(value.text, values, state).text)
      takes.used.add(name.text)
      if (text === undefined && this.#globals.has(name.text)) continue
      if (text !== undefined) values.set(name.text, text)
      takes.own.set(name.text, argOf({ name, description }, text, node.span))
    }
  }

  #mount(takes: Takes, { mounts, node: { span } }: RunInstruction, state: StageState): void {
    for (const written of [...state.mountDefaults, ...mounts]) {
      if (written.from !== undefined) this.#needs(takes, written.from)
      const { type, id, source, target, required } = parseMount(written, (text) => expand(text, state.env, state).text)
      if (type === 'secret') addNeed(takes.secrets, source || id || path.posix.basename(target ?? ''), required, span)
      if (type === 'ssh') addNeed(takes.ssh, id || 'default', required, span)
    }
  }

  #needs(takes: Takes, from: string): void {
    const index = findStage(this.#dockerfile.stages, from)
    if (index !== undefined) takes.from.add(index)
  }

  /** What the target and all that it needs take; of two of one name, that nearer to the target counts. */
  outline(target: number): Outline {
    const args = new Map<string, OutlineArg>()
    const secrets = new Map<string, OutlineNeed>()
    const ssh = new Map<string, OutlineNeed>()
    for (const takes of this.#needed(target)) {
      for (const arg of this.#argsOf(takes)) if (!args.has(arg.name)) args.set(arg.name, arg)
      for (const [name, need] of takes.secrets) if (!secrets.has(name)) secrets.set(name, need)
      for (const [name, need] of takes.ssh) if (!ssh.has(name)) ssh.set(name, need)
    }
    const { name, from } = this.#dockerfile.stages[target]!
    return {
      ...(name === undefined ? {} : { name }),
      ...(from.description === undefined ? {} : { description: from.description }),
      args: inOrder(args),
      secrets: inOrder(secrets),
      ssh: inOrder(ssh),
      source: this.#dockerfile.source,
    }
  }

  #needed(target: number): Takes[] {
    const found = new Set<number>()
    const open = [target]
    for (let index = open.pop(); index !== undefined; index = open.pop()) {
      const takes = this.#stages.get(index) // none of a stage that a named context stands for
      if (found.has(index) || !takes) continue
      found.add(index)
      open.push(...[...takes.from].reverse())
    }
    return [...found].map((index) => this.#stages.get(index)!)
  }

  #argsOf({ own, used }: Takes): OutlineArg[] {
    const all = new Set(used)
    for (const name of all) for (const part of this.#globals.get(name)?.parts ?? []) all.add(part)
    return [...all].flatMap((name) => own.get(name) ?? this.#globals.get(name)?.arg ?? [])
  }
}

function globalsOf(dockerfile: Dockerfile, options: PlanOptions): Map<string, Argument> {
  const found = new Map<string, Argument>()
  const values = globalArguments({ ...dockerfile, globalArgs: [] }, options)
  for (const { declarations, node } of dockerfile.globalArgs) {
    for (const { name, value, description } of declarations) {
      const given = options.buildArgs[name.text]
      const expansion = given === undefined && value ? expand(value.text, values, dockerfile) : undefined
      const text = given ?? expansion?.text
      const parts = new Set(expansion?.used ?? [])
      if (parts.delete(name.text)) for (const part of found.get(name.text)?.parts ?? []) parts.add(part)
      if (text !== undefined) values.set(name.text, text)
      found.set(name.text, { arg: argOf({ name, description }, text, node.span), parts })
    }
  }
  return found
}

type Named = { name: DescribedDeclaration['name']; description: string | undefined }

function argOf({ name, description }: Named, value: string | undefined, span: SourceSpan): OutlineArg {
  return { name: name.text, value: value ?? '', span, ...(description === undefined ? {} : { description }) }
}

function addNeed(needs: Map<string, OutlineNeed>, name: string, required: boolean, span: SourceSpan): void {
  if (!needs.has(name)) needs.set(name, { name, required, span })
}

function inOrder<T extends { span: SourceSpan }>(items: ReadonlyMap<string, T>): T[] {
  return [...items.values()].sort((a, b) => a.span.line - b.span.line)
}
