import { fail } from '../../core/index.ts'
import {
  type Dockerfile,
  didYouMean,
  findStage,
  parseTrigger,
  type Stage,
  type StageInstruction,
} from '../../dockerfile/index.ts'
import type { Vertex } from '../graph.ts'
import { globalArguments } from './arguments.ts'
import { beginStage, findReplacement } from './begin-stage.ts'
import type { Asking, PlanContext, PlanOptions, PlanSources } from './context.ts'
import { findImage } from './find-image.ts'
import { fromOf } from './from.ts'
import { isStep, planInstruction } from './instructions.ts'
import { filesVertex, imageVertex } from './source-vertex.ts'
import { applyComments } from './stage-comments.ts'
import { createVertex, type StageState, stepPrefix } from './stage-state.ts'

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
  const context = beginPlan(dockerfile, options, sources)
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
  const context = beginPlan(dockerfile, options, sources)
  for (const stage of dockerfile.stages) await context.stage(stage.index)
}

/** What FROM says is judged in all stages, also in those that nothing needs. */
function beginPlan(dockerfile: Dockerfile, options: PlanOptions, sources: PlanSources): PlanContext {
  const context = createContext(dockerfile, options, sources)
  for (const stage of dockerfile.stages) fromOf(context, stage)
  return context
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
