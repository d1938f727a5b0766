import type { Stage } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { CopyOp } from '../ops/copy.ts'
import type { NamedContext, PlanContext, ResolvedImage } from './context.ts'
import { findImage } from './find-image.ts'
import { stagePlatform } from './from.ts'
import { filesVertex, imageVertex } from './source-vertex.ts'
import { createVertex, type StageState } from './stage-state.ts'

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The state of a stage after FROM: an earlier stage of this name, what the user put in its place, scratch, or an image. */
export async function beginStage(context: PlanContext, stage: Stage, base: string): Promise<StageState> {
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

/** A named context with the name of a stage stands for it: nothing of the stage is done. */
export async function findReplacement(context: PlanContext, stage: Stage): Promise<StageState | undefined> {
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
