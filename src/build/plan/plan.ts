import { fail, hasCode, type SourceSpan } from '../../core/index.ts'
import {
  type Dockerfile,
  didYouMean,
  expand,
  findStage,
  parseTrigger,
  type Stage,
  type StageInstruction,
  type Token,
} from '../../dockerfile/index.ts'
import { type Platform, parsePlatform } from '../../oci/index.ts'
import type { Vertex } from '../graph.ts'
import type { CopyOp } from '../ops/copy.ts'
import { globalArguments } from './arguments.ts'
import type { Asking, NamedContext, PlanContext, PlanOptions, PlanSources, ResolvedImage } from './context.ts'
import { findImage } from './find-image.ts'
import { isStep, planInstruction } from './instructions.ts'
import { applyComments } from './stage-comments.ts'
import { at, createVertex, type StageState, stepPrefix } from './stage-state.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Compiles a Dockerfile to a build graph: the state of the target stage, whose vertex needs everything it is made
 * from. Stages that the target does not need are not looked at. Fails with `DOCKERFILE_INVALID` and the like, and
 * with what `sources` fails with.
 */
export async function planBuild(
  dockerfile: Dockerfile,
  options: PlanOptions,
  sources: PlanSources,
): Promise<StageState> {
  const context = createContext(dockerfile, options, sources)
  for (const stage of dockerfile.stages) fromOf(context, stage)
  const stage = await context.stage(targetIndex(dockerfile, options.target))
  const labels = { ...stage.config.Labels, ...options.labels }
  return { ...stage, config: { ...stage.config, Labels: labels } }
}

/** Plans all stages in their order, needed or not, to hear of them. Fails as `planBuild` does. */
export async function planEveryStage(
  dockerfile: Dockerfile,
  options: PlanOptions,
  sources: PlanSources,
): Promise<void> {
  const context = createContext(dockerfile, options, sources)
  for (const stage of dockerfile.stages) fromOf(context, stage)
  for (const stage of dockerfile.stages) await context.stage(stage.index)
}

function createContext(dockerfile: Dockerfile, options: PlanOptions, sources: PlanSources): PlanContext {
  const planned = new Map<number, Promise<StageState>>()
  const context: PlanContext = {
    dockerfile,
    options,
    sources,
    globalArgs: globalArguments(dockerfile, options),
    contextVertex: createVertex({ kind: 'context', name: 'context' }, [], { label: '[internal] load build context' }),
    plannedStages: () => [...planned.keys()],
    stage(index) {
      const stage = dockerfile.stages[index]!
      const state = planned.get(index) ?? planStage(context, stage)
      planned.set(index, state)
      return state
    },
    source: (from, asking) => findSource(context, from, asking),
  }
  return context
}

/** The stage of this name or number; the last one for no name. */
function targetIndex(dockerfile: Dockerfile, target: string | undefined): number {
  const { stages } = dockerfile
  if (stages.length === 0) throw fail('DOCKERFILE_INVALID', 'dockerfile contains no stages to build')
  if (!target) return stages.length - 1
  const index = findStage(stages, target)
  if (index !== undefined) return index
  const names = stages.flatMap((stage) => stage.name ?? [])
  throw fail('DOCKERFILE_INVALID', `target stage "${target}" could not be found${didYouMean(target, names)}`)
}

async function findSource(context: PlanContext, from: string, asking: Asking): Promise<Vertex> {
  const { span } = asking
  const index = findStage(context.dockerfile.stages, from)
  if (index !== undefined) {
    if (index >= asking.stage.index) throw notEarlier(context, from, index, asking)
    return (await context.stage(index)).vertex
  }
  if (/^\d+$/.test(from)) throw fail('DOCKERFILE_INVALID', `invalid stage index ${from}`, { span })
  const { platform } = context.options
  const named = await context.sources.named?.(from, platform, span)
  if (from === 'scratch' && !named) return imageVertex('scratch', [], platform, '', span)
  if (named?.kind === 'files') return filesVertex(named.context, from)
  if (named?.kind === 'scratch') return imageVertex('scratch', [], platform, '', span)
  const image = named?.image ?? (await findImage(context, from, platform, span))
  return imageVertex(
    image.name,
    image.layers.map((layer) => layer.diffId),
    platform,
    `FROM ${image.name}`,
    span,
  )
}

/** Only a stage that stands before can be had files of: so no stage needs itself. BuildKit's words. */
function notEarlier({ dockerfile }: PlanContext, from: string, index: number, { stage, span, target }: Asking): Error {
  const { name = '' } = dockerfile.stages[stage.index]!
  const message =
    index === stage.index
      ? `circular dependency detected on stage: ${name || index}`
      : target === undefined
        ? `cannot copy from stage "${from}", it needs to be defined before current stage "${name}"`
        : `cannot mount from stage "${from}" to "${target}", stage needs to be defined before current command`
  return fail('DOCKERFILE_INVALID', message, { span })
}

function filesVertex(context: string, name: string): Vertex {
  return createVertex({ kind: 'context', name: context }, [], { label: `[context ${name}] load from client` })
}

function imageVertex(
  name: string,
  diffIds: readonly Vertex['id'][],
  platform: Platform,
  label: string,
  span: SourceSpan,
): Vertex {
  return createVertex({ kind: 'image', reference: name, platform, diffIds }, [], { label, span })
}

async function planStage(context: PlanContext, stage: Stage): Promise<StageState> {
  const replacement = await findReplacement(context, stage)
  if (replacement) return replacement
  const state = await beginStage(context, stage, fromOf(context, stage).base)
  applyComments(state, stage.from.node)
  const triggers = (state.config.OnBuild ?? []).map(parseTrigger)
  delete state.config.OnBuild
  const instructions: StageInstruction[] = [...triggers, ...stage.instructions]
  state.stepCount = state.stepNumber + instructions.filter(isStep).length
  if (state.stepNumber === 1) {
    state.vertex = { ...state.vertex, label: `${stepPrefix(state, 1)} ${state.vertex.label}` }
  }
  for (const instruction of instructions) {
    applyComments(state, instruction.node)
    context.sources.listener?.reached?.(stage, instruction, state)
    await planInstruction(state, instruction)
  }
  return state
}

/** What FROM says once its variables are replaced. As in BuildKit it must make sense even in a stage that is not needed. */
function fromOf(context: PlanContext, { from }: Stage): { base: string; platform: Platform | undefined } {
  const base = expandGlobal(context, from.base)
  if (base === '') {
    throw fail('DOCKERFILE_INVALID', `base name (${from.base.text}) should not be blank`, { span: from.base.span })
  }
  return { base, platform: from.platform && platformOf(context, from.platform) }
}

/** An earlier stage of this name, scratch, or an image. */
async function beginStage(context: PlanContext, stage: Stage, base: string): Promise<StageState> {
  const earlier = context.dockerfile.stages.slice(0, stage.index).findLast((other) => other.name === base)
  const parent = earlier && (await context.stage(earlier.index))
  context.sources.listener?.begun?.(stage, earlier)
  if (parent) return fromStage(parent, emptyState(context, stage, context.options.platform))
  const platform = stagePlatform(context, stage)
  if (base === 'scratch') return fromScratch(context, stage, platform)
  const { span } = stage.from.base
  const named = await context.sources.named?.(base, platform, span)
  if (named) return fromNamed(context, stage, { name: base, platform, named })
  return fromImage(context, stage, await findImage(context, base, platform, span), platform)
}

const stagePlatform = (context: PlanContext, { from }: Stage): Platform =>
  from.platform ? platformOf(context, from.platform) : context.options.platform

/** A named context with the name of a stage stands for it: nothing of the stage is done. */
async function findReplacement(context: PlanContext, stage: Stage): Promise<StageState | undefined> {
  const { name } = stage
  const find = context.sources.named
  if (name === undefined || !find) return undefined
  const platform = stagePlatform(context, stage)
  const named = await find(name, platform, stage.from.node.span)
  return named && fromNamed(context, stage, { name, platform, named })
}

/** What the user put in the place of a stage or its base. Files become a layer of their own. */
function fromNamed(
  context: PlanContext,
  stage: Stage,
  { name, platform, named }: { name: string; platform: Platform; named: NamedContext },
): StageState {
  if (named.kind === 'image') return fromImage(context, stage, named.image, platform)
  const state = fromScratch(context, stage, platform)
  if (named.kind === 'scratch') return state
  const op: CopyOp = {
    kind: 'copy',
    sources: [{ input: 1, paths: ['/'] }],
    dest: '/',
    owner: null,
    mode: null,
    unpack: { local: false, downloads: false },
    excludes: [],
    parents: false,
    time: 0,
  }
  const about = { label: `[context ${name}] use as base`, span: stage.from.node.span }
  const vertex = createVertex(op, [state.vertex, filesVertex(named.context, name)], about)
  return { ...state, vertex, steps: [{ createdBy: `FROM ${name}`, vertex }] }
}

function fromStage(
  parent: StageState,
  { index, label, noCache }: Pick<Empty, 'index' | 'label' | 'noCache'>,
): StageState {
  const env = new Map(parent.env)
  for (const pair of parent.config.Env ?? []) setPair(env, pair)
  return {
    ...parent,
    index,
    label,
    noCache,
    config: { ...parent.config },
    steps: [...parent.steps],
    env,
    args: new Map(parent.args),
    cmdIsOwn: false,
    stepNumber: 0,
  }
}

function fromScratch(context: PlanContext, stage: Stage, platform: Platform): StageState {
  const vertex = imageVertex('scratch', [], platform, '', stage.from.node.span)
  const config = { Env: [`PATH=${DEFAULT_PATH}`], WorkingDir: '/' }
  const env = new Map([['PATH', DEFAULT_PATH]])
  return { ...emptyState(context, stage, platform), vertex, config, env, stepNumber: 0 }
}

function fromImage(context: PlanContext, stage: Stage, image: ResolvedImage, platform: Platform): StageState {
  const diffIds = image.layers.map((layer) => layer.diffId)
  const env = new Map<string, string>()
  const list = image.config.config?.Env ?? []
  const withPath = list.some((pair) => pair.startsWith('PATH=')) ? list : [...list, `PATH=${DEFAULT_PATH}`]
  for (const pair of withPath) setPair(env, pair)
  const { author, created } = image.config
  const createdAt = created === undefined ? 0 : Math.max(0, Math.floor(Date.parse(created) / 1000)) || 0
  return {
    ...emptyState(context, stage, platform),
    base: { config: image.config, layers: image.layers },
    vertex: imageVertex(image.name, diffIds, platform, `FROM ${image.name}`, stage.from.node.span),
    config: { ...image.config.config, Env: withPath },
    env,
    time: createdAt,
    ...(author === undefined ? {} : { author }),
  }
}

type Empty = Omit<StageState, 'vertex' | 'config' | 'env'>

function emptyState(context: PlanContext, stage: Stage, platform: Platform): Empty {
  return {
    context,
    index: stage.index,
    escape: context.dockerfile.escape,
    label: labelOf(context, stage),
    noCache: isWithoutCache(context, stage),
    platform,
    steps: [],
    args: new Map(),
    cmdIsOwn: false,
    stepNumber: 1,
    stepCount: 1,
    mountDefaults: [],
    time: 0,
  }
}

/** `--no-cache-filter` knows stages by their names alone, as in BuildKit. */
function isWithoutCache({ options }: PlanContext, stage: Stage): boolean {
  return options.noCache || options.noCacheFilter.some((name) => name.toLowerCase() === stage.name)
}

function labelOf({ dockerfile }: PlanContext, stage: Stage): string {
  return stage.name ?? (dockerfile.stages.length > 1 ? `stage-${stage.index}` : '')
}

function setPair(env: Map<string, string>, pair: string): void {
  const cut = pair.indexOf('=')
  if (cut > 0) env.set(pair.slice(0, cut), pair.slice(cut + 1))
}

function expandGlobal(context: PlanContext, token: Token): string {
  return at(token.span, () => expand(token.text, context.globalArgs, { escape: context.dockerfile.escape }).text)
}

function platformOf(context: PlanContext, token: Token): Platform {
  const text = expandGlobal(context, token)
  if (text === '') {
    throw fail('DOCKERFILE_INVALID', `empty platform value from expression ${token.text}${meant(context, token)}`, {
      span: token.span,
      hint: 'Declare the argument before the first FROM, or give it a value with --build-arg.',
    })
  }
  try {
    return parsePlatform(text, context.options.buildPlatform)
  } catch (cause) {
    if (!hasCode(cause, 'PLATFORM_INVALID')) throw cause
    const { message, hint = '' } = cause
    const text = `failed to parse platform ${token.text}: ${message}${meant(context, token)}`
    throw fail('PLATFORM_INVALID', text, { span: token.span, hint, cause })
  }
}

/** The argument that may have been meant by the first one that is not set. */
function meant({ globalArgs, dockerfile }: PlanContext, token: Token): string {
  const { unset } = expand(token.text, globalArgs, dockerfile)
  const suggestions = [...unset].map((name) => didYouMean(name, [...globalArgs.keys()]))
  return suggestions.find((suggestion) => suggestion !== '') ?? ''
}
