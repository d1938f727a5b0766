import { digestOf, type SourceSpan, withSpan } from '../../core/index.ts'
import { expand, type RunMount, type StageInstruction, type Token } from '../../dockerfile/index.ts'
import type { ContainerConfig, ImageConfig, Platform } from '../../oci/index.ts'
import type { LayerRecord } from '../../store/index.ts'
import type { Op, Vertex } from '../graph.ts'
import { redactUrls } from '../url.ts'
import type { PlanContext } from './context.ts'
import { platformLabel } from './platform-label.ts'

/** A base image as a stage needs it. */
export interface BaseImage {
  config: ImageConfig
  layers: readonly LayerRecord[]
}

/** A step for the image's history; with a vertex when it makes a layer. */
export interface PlannedStep {
  createdBy: string
  vertex?: Vertex
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** The image config while instructions change it, and what variables mean meanwhile. */
export interface ConfigState {
  /** The Dockerfile's escape character. */
  readonly escape: string
  /** The image config so far. */
  config: Writable<ContainerConfig>
  author?: string
  /** Steps since the base image, inherited ones included. */
  steps: PlannedStep[]
  /** What variables mean, and what RUN sees: ENV and ARG in the order of their setting, later ones winning. */
  env: Map<string, string>
  /** Whether CMD was set in this stage: then ENTRYPOINT leaves it. */
  cmdIsOwn: boolean
}

/** A stage while its instructions are gone through, one after another. */
export interface StageState extends ConfigState {
  readonly context: PlanContext
  /** Its number in the Dockerfile. */
  readonly index: number
  /** As progress shows it: its name, or `stage-1` where there are several. */
  readonly label: string
  /** Whether its steps are done without the cache. */
  readonly noCache: boolean
  readonly platform: Platform
  /** The image at the bottom; missing for scratch. */
  readonly base?: BaseImage
  /** The file system so far. */
  vertex: Vertex
  /** Declared build arguments in order, for history; the value is that of the declaration. */
  args: Map<string, string>
  /** Numbers for progress: the step just planned, and how many there will be. FROM counts when it names an image. */
  stepNumber: number
  stepCount: number
  /** What each RUN has mounted, beside its own mounts. */
  mountDefaults: readonly RunMount[]
  /** Seconds since 1970 for what the build itself makes: folders, here-documents. */
  readonly time: number
}

/** The text of a token with its variables replaced; an error points at the token. */
export function expandToken(stage: ConfigState, token: Token): string {
  return expandWords(stage, token).text
}

/** As `expandToken`, also split into words. */
export function expandWords(stage: ConfigState, token: Token): { text: string; words: readonly string[] } {
  return at(token.span, () => expand(token.text, stage.env, { escape: stage.escape }))
}

/** Gives an error of `work` a place, unless it has one. */
export function at<T>(span: SourceSpan, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw withSpan(error, span)
  }
}

/** Adds a step that changes only the config. */
export function addHistory(stage: ConfigState, createdBy: string): void {
  stage.steps.push({ createdBy })
}

/** A step that makes a layer. `inputs` come after the file system that it is made on. */
interface LayerStep {
  instruction: StageInstruction
  op: Op
  inputs?: readonly Vertex[]
  createdBy: string
  cacheable?: boolean
  /** Variables whose values progress must not show. */
  masked?: readonly string[]
}

/** Adds a step that makes a layer on top of the file system. */
export function addLayer(stage: StageState, step: LayerStep): void {
  stage.vertex = addStep(stage, step, stage.vertex)
}

/** Adds a step that makes a layer on nothing, which is then put on top of the file system as it is. */
export function addLinkedLayer(stage: StageState, step: LayerStep): void {
  const { platform } = stage
  const nothing = createVertex({ kind: 'image', reference: 'scratch', platform, diffIds: [] }, [], { label: '' })
  const layer = addStep(stage, step, nothing)
  stage.vertex = createVertex({ kind: 'merge' }, [stage.vertex, layer], { label: '', span: layer.span! })
}

function addStep(stage: StageState, step: LayerStep, base: Vertex): Vertex {
  const { instruction, op, inputs = [], createdBy, cacheable = true, masked = [] } = step
  stage.stepNumber++
  // BuildKit takes WORKDIR from the cache even with --no-cache: there is nothing in a folder that could be stale
  const ignoreCache = !cacheable || (stage.noCache && op.kind !== 'folder')
  const vertex = createVertex(op, [base, ...inputs], {
    label: `${stepPrefix(stage, stage.stepNumber)} ${redactUrls(describe(stage, instruction, masked))}`,
    span: instruction.node.span,
    config: { env: environmentOf(stage), cwd: stage.config.WorkingDir || '/', user: stage.config.User ?? '' },
    ...(ignoreCache ? { ignoreCache } : {}),
  })
  stage.steps.push({ createdBy, vertex })
  return vertex
}

/** A vertex whose id says what it does: equal work has equal ids and is done once. */
export function createVertex(op: Op, inputs: readonly Vertex[], about: Omit<Vertex, 'id' | 'op' | 'inputs'>): Vertex {
  const id = digestOf(JSON.stringify([op, inputs.map((input) => input.id), about.ignoreCache ?? false]))
  return { id, op, inputs, ...about }
}

/** `[2/5]`, `[builder 2/5]` where there are several stages, `[linux/arm64 builder 2/5]` where there are platforms. */
export function stepPrefix(stage: StageState, number: number): string {
  const total = String(stage.stepCount)
  const counter = `${String(number).padStart(total.length)}/${total}`
  const platform = stage.context.options.namesPlatform ? platformLabel(stage) : ''
  return `[${[platform, stage.label, counter].filter((part) => part !== '').join(' ')}]`
}

/** The instruction on one line, with the variables that are set; of a here-document its first line. */
function describe(stage: StageState, { node }: StageInstruction, masked: readonly string[]): string {
  const { keyword, heredocs } = node
  const words = node.text.trim().slice(keyword.text.length)
  const body = keyword.text.toLowerCase() === 'run' && heredocs.length === 1 ? summarize(heredocs[0]!.content) : ''
  const text = `${keyword.text.toUpperCase()}${words}`
  const options = { keepQuotes: true, keepEscapes: true, keepUnset: true, escape: stage.escape }
  try {
    const env =
      masked.length === 0 ? stage.env : new Map([...stage.env, ...masked.map((name) => [name, '****'] as const)])
    return expand(text, env, options).text + body
  } catch {
    return text + body
  }
}

function summarize(document: string): string {
  const [first = '', ...rest] = document.trim().split('\n')
  return ` (${first}${rest.length > 0 ? '...' : ''})`
}

/** `NAME=value` pairs for a process, in the order of their setting. */
export function environmentOf(stage: ConfigState): string[] {
  return [...stage.env].map(([name, value]) => `${name}=${value}`)
}
