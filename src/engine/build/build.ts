import { existsSync, realpathSync } from 'node:fs'
import { BuildSession, createRunners, createSolver, redactUrl, type SolverOptions } from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { parseDockerfile } from '../../dockerfile/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import { BuildRecorder, secretValues } from './build-record.ts'
import { loadDefinition, nameOf } from './definition.ts'
import { resolveEpoch } from './epoch.ts'
import type { FinishedBuild } from './finished.ts'
import { linterOf, tellWarnings } from './lint.ts'
import { explainMismatch } from './lock/pins.ts'
import { exportAll } from './outputs/index.ts'
import { isMultiPlatform, planOptions, targetPlatforms } from './plan-options.ts'
import { planPlatforms } from './plan-platforms.ts'
import { planSources } from './plan-sources.ts'
import { reportOf } from './report.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { solvePlatforms } from './solve.ts'
import { checkSyntax } from './syntax.ts'
import { checkedTag } from './tags.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  using lease = store.lease()
  await using session = new BuildSession(store, lease, { secrets: request.secrets ?? {}, agents: request.ssh ?? {} })
  using record = new BuildRecorder(store, session, { context: contextName(request), dockerfile: nameOf(request) })
  const definition = await loadDefinition(session, request, job)
  const { source, contexts, pins, ignore, task } = definition
  checkSyntax(source, request.buildArgs)
  const dockerfile = parseDockerfile(source)
  const platforms = targetPlatforms(request)
  const asked = planOptions(request, platforms[0]!)
  const sources = planSources(session, request, definition, job)
  const { epoch, buildArgs } = await resolveEpoch({ session, dockerfile, options: asked, sources, contexts }, job)
  const options = { ...asked, buildArgs }
  const linter = linterOf(dockerfile, options)
  const plans = await planPlatforms(dockerfile, linter, { options, sources, ignore }, platforms).finally(() =>
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
  const { squash, outputs = [{ type: 'image' }] } = request
  const result = { built, multiPlatform: isMultiPlatform(request), solver, names, lease, epoch: request.epoch ?? epoch }
  const finished: FinishedBuild = squash ? { ...result, squash } : result
  const exported = await exportAll(store, finished, outputs, job)
  return { ...reportOf(exported, finished, linter.warnings()), explanation: record.explain() }
}

function solverOptions({ parallelism, buildArgs }: BuildRequest, lease: Lease): SolverOptions {
  return { now: Date.now, lease, secrets: secretValues(buildArgs), ...(parallelism ? { parallelism } : {}) }
}

/** A context as people know it again. */
function contextName({ context }: BuildRequest): string {
  if (typeof context !== 'string') return '-'
  return existsSync(context) ? realpathSync(context) : redactUrl(context)
}
