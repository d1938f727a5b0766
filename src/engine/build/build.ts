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
import { type Dockerfile, parseDockerfile } from '../../dockerfile/index.ts'
import type { Linter, LintWarning } from '../../lint/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { Lease, Store, StoredImage } from '../../store/index.ts'
import { BuildRecorder, secretValues } from './build-record.ts'
import type { Ignore } from './context/ignore.ts'
import { nameOf } from './definition.ts'
import { resolveEpoch } from './epoch.ts'
import type { FinishedBuild } from './finished.ts'
import { linterOf, planLinted, tellWarnings } from './lint.ts'
import { explainMismatch } from './lock/pins.ts'
import { exportToStore } from './outputs/image.ts'
import { isMultiPlatform, targetPlatforms } from './plan-options.ts'
import { openPlanning } from './planning.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { type PlannedPlatform, solvePlatforms } from './solve.ts'
import { checkedTag } from './tags.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  using lease = store.lease()
  await using session = new BuildSession(store, lease, { secrets: request.secrets ?? {}, agents: request.ssh ?? {} })
  using record = new BuildRecorder(store, session, { context: contextName(request), dockerfile: nameOf(request) })
  const { definition, options, sources } = await openPlanning({ store, lease, session }, request, job)
  const { contexts, pins, task } = definition
  const dockerfile = parseDockerfile(definition.source)
  const linter = linterOf(dockerfile, options)
  const { epoch, buildArgs } = await resolveEpoch({ session, dockerfile, options, sources, contexts }, job)
  const plan = { options: { ...options, buildArgs }, sources, ignore: contexts.ignore }
  const plans = await planPlatforms(dockerfile, linter, plan, targetPlatforms(request)).finally(() =>
    tellWarnings(linter.warnings(), task, job),
  )
  const runners = createRunners(session, contexts)
  const { solver, built } = await solvePlatforms(
    (stoppable) => record.follow(createSolver(runners, store, solverOptions(request, lease), stoppable)),
    plans,
    job,
  ).catch((error: unknown) => {
    throw explainMismatch(error, pins)
  })
  contexts.save()
  const multiPlatform = isMultiPlatform(request)
  const finished: FinishedBuild = { built, multiPlatform, solver, names, lease, epoch: request.epoch ?? epoch }
  const exported = await exportToStore(store, finished, job)
  return { ...report(exported, finished, linter.warnings()), explanation: record.explain() }
}

function solverOptions({ parallelism, buildArgs }: BuildRequest, lease: Lease): SolverOptions {
  return { now: Date.now, lease, secrets: secretValues(buildArgs), ...(parallelism ? { parallelism } : {}) }
}

/** A context as people know it again. */
function contextName({ context }: BuildRequest): string {
  if (typeof context !== 'string') return '-'
  return existsSync(context) ? realpathSync(context) : redactUrl(context)
}

/** A graph for each platform. The first of them is linted: what is to be said of a Dockerfile is said once. */
async function planPlatforms(
  dockerfile: Dockerfile,
  linter: Linter,
  plan: { options: PlanOptions; sources: PlanSources; ignore: Ignore | undefined },
  platforms: readonly Platform[],
): Promise<PlannedPlatform[]> {
  const plans: PlannedPlatform[] = []
  for (const platform of platforms) {
    const options = { ...plan.options, platform }
    const isFirst = plans.length === 0
    const stage = await (isFirst
      ? planLinted(dockerfile, linter, { ...plan, options })
      : planBuild(dockerfile, options, plan.sources))
    plans.push({ platform, stage })
  }
  return plans
}

function report(
  image: StoredImage,
  { built, solver, names }: FinishedBuild,
  warnings: readonly LintWarning[],
): Omit<BuildReport, 'explanation'> {
  const steps = built.flatMap(({ stage }) => stage.steps.flatMap((step) => step.vertex ?? []))
  const made = [...new Map(steps.map((vertex) => [vertex.id, vertex])).values()]
  const cached = made.filter((vertex) => solver.outcome(vertex)?.result === 'cached')
  const { id, descriptor } = image
  return { id, digest: descriptor.digest, names: [...names], steps: made.length, cachedSteps: cached.length, warnings }
}
