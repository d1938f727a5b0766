import { type Dockerfile, expand, findStage, parse, parseDockerfile, type Stage } from '../dockerfile/index.ts'
import { parsePlatform } from '../oci/index.ts'
import { createLinter, type Linter, type LintWarning } from './linter.ts'
import { checkOptionsOf } from './options.ts'
import type { Surroundings } from './rule.ts'

/** What a test says beside the Dockerfile. */
export interface Given {
  buildArgs?: Record<string, string>
  /** The environment of all base images. */
  env?: Record<string, string>
  /** SHELL of all base images. */
  shell?: readonly string[]
  /** Paths that are kept out of the build context. */
  ignored?: readonly string[]
  /** The platform that all base images turn out to have. */
  platform?: string
}

const PLATFORMS = [
  ['BUILDPLATFORM', 'linux/amd64'],
  ['TARGETPLATFORM', 'linux/amd64'],
  ['TARGETARCH', 'amd64'],
] as const

/** Lints a text as a build of all stages does. Variables are followed as far as these tests need it. */
export function lintText(text: string, given: Given = {}): LintWarning[] {
  const linter = linterFor(text, given)
  return linter.warnings()
}

/** The linter of `lintText`, when it has heard everything. */
export function linterFor(text: string, given: Given = {}): Linter {
  const source = { name: 'Dockerfile', text }
  const tree = parse(source)
  const linter = createLinter(checkOptionsOf(tree.directives, given.buildArgs?.['BUILDKIT_DOCKERFILE_CHECK']))
  linter.text(tree)
  const dockerfile = tryParse(text)
  if (!dockerfile) return linter
  linter.file(dockerfile, globalsOf(dockerfile, {}))
  linter.from(dockerfile, globalsOf(dockerfile, given.buildArgs ?? {}))
  const envs: Map<string, string>[] = []
  for (const stage of dockerfile.stages) envs.push(walk(linter, dockerfile, stage, { given, envs }))
  return linter
}

/** What one rule finds, as `line: message`. */
export function found(rule: string, text: string, given: Given = {}): string[] {
  const enabled = text.startsWith('# check=') ? text : `# check=experimental=all\n${text}`
  const shift = enabled === text ? 0 : 1
  return lintText(enabled, given)
    .filter((warning) => warning.rule === rule)
    .map(({ span, message }) => `${span.line - shift}: ${message}`)
}

function tryParse(text: string): Dockerfile | undefined {
  try {
    return parseDockerfile({ name: 'Dockerfile', text })
  } catch {
    return undefined
  }
}

function globalsOf(
  { globalArgs, escape: escapeChar }: Dockerfile,
  buildArgs: Record<string, string>,
): Map<string, string> {
  const values = new Map<string, string>(PLATFORMS)
  for (const { name, value } of globalArgs.flatMap(({ declarations }) => declarations)) {
    const text = buildArgs[name.text] ?? (value && expand(value.text, values, { escape: escapeChar }).text)
    if (text !== undefined) values.set(name.text, text)
  }
  return values
}

interface Walk {
  given: Given
  envs: readonly Map<string, string>[]
}

function walk(linter: Linter, dockerfile: Dockerfile, stage: Stage, { given, envs }: Walk): Map<string, string> {
  const parent = findStage(dockerfile.stages.slice(0, stage.index), stage.from.base.text)
  if (parent === undefined && given.platform !== undefined) {
    const [wanted, found] = ['linux/amd64', given.platform].map((text) => parsePlatform(text))
    linter.base({ name: stage.from.base.text, wanted: wanted!, found: found!, span: stage.from.node.span })
  }
  linter.stage(stage, parent === undefined ? undefined : dockerfile.stages[parent])
  const variables = new Map([...(parent === undefined ? Object.entries(given.env ?? {}) : envs[parent]!)])
  const declared = new Set<string>()
  let shell = given.shell ?? []
  for (const instruction of stage.instructions) {
    const known: Surroundings = {
      escape: dockerfile.escape,
      buildArgs: given.buildArgs ?? {},
      variables,
      declared,
      shell,
      ...(given.ignored ? { ignores: (path) => given.ignored!.includes(path) } : {}),
    }
    linter.step(stage, instruction, known)
    if (instruction.kind === 'shell') shell = ['sh']
    if (instruction.kind === 'env') for (const { key, value } of instruction.pairs) variables.set(key.text, value.text)
    if (instruction.kind !== 'arg') continue
    for (const { name, value } of instruction.declarations) {
      declared.add(name.text)
      if (value) variables.set(name.text, value.text)
    }
  }
  return variables
}
