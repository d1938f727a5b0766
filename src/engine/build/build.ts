import { existsSync, realpathSync } from 'node:fs'
import {
  BuildSession,
  createRunners,
  createSolver,
  type PlanOptions,
  type PlanSources,
  planBuild,
  redactUrl,
  type SolverOptions,
} from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { type Dockerfile, type ParseWarning, parseDockerfile, type Stage } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { Lease, Store, StoredImage } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { BuildRecorder, secretValues } from './build-record.ts'
import { loadDefinition, nameOf } from './definition.ts'
import { resolveEpoch } from './epoch.ts'
import type { FinishedBuild } from './finished.ts'
import { explainMismatch } from './lock/pins.ts'
import { exportToStore } from './outputs/image.ts'
import { isMultiPlatform, planOptions, targetPlatforms } from './plan-options.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { secretNameWarnings } from './secret-names.ts'
import { type PlannedPlatform, solvePlatforms } from './solve.ts'
import { checkSyntax } from './syntax.ts'
import { checkedTag } from './tags.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  using lease = store.lease()
  await using session = new BuildSession(store, lease, { secrets: request.secrets ?? {}, agents: request.ssh ?? {} })
  using record = new BuildRecorder(store, session, { context: contextName(request), dockerfile: nameOf(request) })
  const { source, contexts, pins } = await loadDefinition(session, request, job)
  checkSyntax(source, request.buildArgs)
  const dockerfile = parseDockerfile(source)
  for (const { message, span } of dockerfile.warnings) {
    job.progress({ type: 'warning', code: 'PARSE', message, ...(span ? { span } : {}) })
  }
  const multiPlatform = isMultiPlatform(request)
  const image = imageResolver(store, lease, { namesPlatform: multiPlatform, pins }, job)
  const sources = { image, named: contexts.resolver(image, job), ...(pins ? { pins } : {}) }
  const platforms = targetPlatforms(request)
  const options = planOptions(request, platforms[0]!)
  const { epoch, buildArgs } = await resolveEpoch({ session, dockerfile, options, sources, contexts }, job)
  const plans = await planPlatforms(dockerfile, { ...options, buildArgs }, platforms, sources, job)
  const runners = createRunners(session, contexts)
  const { solver, built } = await solvePlatforms(
    (stoppable) => record.follow(createSolver(runners, store, solverOptions(request, lease), stoppable)),
    plans,
    job,
  ).catch((error: unknown) => {
    throw explainMismatch(error, pins)
  })
  contexts.save()
  const finished: FinishedBuild = { built, multiPlatform, solver, names, lease, epoch: request.epoch ?? epoch }
  const exported = await exportToStore(store, finished, job)
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

/** A graph for each platform. What is to be said of a stage is said once. */
async function planPlatforms(
  dockerfile: Dockerfile,
  options: PlanOptions,
  platforms: readonly Platform[],
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
  for (const platform of platforms) {
    const stage = await planBuild(dockerfile, { ...options, platform }, { ...sources, planned })
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
