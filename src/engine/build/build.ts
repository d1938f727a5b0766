import { existsSync, realpathSync } from 'node:fs'
import {
  BuildSession,
  createRunners,
  createSolver,
  type PlanSources,
  planBuild,
  redactUrl,
  type SolverOptions,
} from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { type Dockerfile, type ParseWarning, parseDockerfile, type Stage } from '../../dockerfile/index.ts'
import { sourceOf } from '../../image/index.ts'
import type { Lease, Store, StoredImage } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { BuildRecorder, secretValues } from './build-record.ts'
import { checkCacheEntries, exportCaches, openCaches } from './cache.ts'
import { loadDefinition, nameOf } from './definition.ts'
import type { FinishedBuild } from './finished.ts'
import { exportToStore } from './outputs/image.ts'
import { epochOf, isMultiPlatform, planOptions, targetPlatforms } from './plan-options.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { secretNameWarnings } from './secret-names.ts'
import { type PlannedPlatform, solvePlatforms } from './solve.ts'
import { checkSyntax } from './syntax.ts'
import { checkedTag } from './tags.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  const { cacheFrom = [], cacheTo = [] } = request
  checkCacheEntries(cacheFrom, cacheTo)
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  using record = new BuildRecorder(store, session, { context: contextName(request), dockerfile: nameOf(request) })
  const { source, contexts } = await loadDefinition({ store, lease }, withDockerfile(request), job)
  checkSyntax(source, request.buildArgs)
  const dockerfile = parseDockerfile(source)
  for (const { message, span } of dockerfile.warnings) {
    job.progress({ type: 'warning', code: 'PARSE', message, ...(span ? { span } : {}) })
  }
  const multiPlatform = isMultiPlatform(request)
  const image = imageResolver(store, lease, { namesPlatform: multiPlatform }, job)
  const plans = await planPlatforms(dockerfile, request, { image, named: contexts.resolver(image, job) }, job)
  const runners = createRunners(session, contexts)
  const sources = await openCaches({ store, lease }, cacheFrom, job)
  const solving = { ...solverOptions(request, lease), sources }
  const { solver, built } = await solvePlatforms(
    (stoppable) => record.follow(createSolver(runners, store, solving, stoppable)),
    plans,
    job,
  )
  contexts.save()
  const finished: FinishedBuild = { built, multiPlatform, solver, names, lease, epoch: epochOf(request) }
  const exported = await exportToStore(store, finished, job)
  await exportCaches({ store, lease }, cacheTo, finished, job)
  return { ...report(exported, finished, dockerfile.warnings), explanation: record.explain() }
}

function solverOptions({ parallelism, buildArgs }: BuildRequest, lease: Lease): SolverOptions {
  return { now: Date.now, lease, secrets: secretValues(buildArgs), ...(parallelism ? { parallelism } : {}) }
}

/** A context as people know it again. */
function contextName({ context }: BuildRequest): string {
  if (typeof context !== 'string') return '-'
  return existsSync(context) ? realpathSync(context) : redactUrl(context)
}

/** An image that is defined in TypeScript is built as the Dockerfile that it stands for. */
function withDockerfile(request: BuildRequest): BuildRequest {
  return request.image ? { ...request, dockerfile: sourceOf(request.image, 'image') } : request
}

/** A graph for each platform. What is to be said of a stage is said once. */
async function planPlatforms(
  dockerfile: Dockerfile,
  request: BuildRequest,
  sources: Omit<PlanSources, 'planned'>,
  job: Job,
): Promise<PlannedPlatform[]> {
  const seen = new Set<number>()
  const planned = (stage: Stage): void => {
    if (seen.has(stage.index)) return
    seen.add(stage.index)
    for (const warning of secretNameWarnings(stage)) job.progress(warning)
  }
  const plans: PlannedPlatform[] = []
  for (const platform of targetPlatforms(request)) {
    const stage = await planBuild(dockerfile, planOptions(request, platform), { ...sources, planned })
    plans.push({ platform, stage })
  }
  return plans
}

function report(
  image: StoredImage,
  { built, solver, names }: FinishedBuild,
  warnings: readonly ParseWarning[],
): Omit<BuildReport, 'explanation'> {
  const steps = built.flatMap(({ stage }) => stage.steps.flatMap((step) => step.vertex ?? []))
  const made = [...new Map(steps.map((vertex) => [vertex.id, vertex])).values()]
  const cached = made.filter((vertex) => solver.outcome(vertex)?.result === 'cached')
  const { id, descriptor } = image
  return { id, digest: descriptor.digest, names: [...names], steps: made.length, cachedSteps: cached.length, warnings }
}
