import { existsSync, realpathSync } from 'node:fs'
import { BuildSession, createRunners, createSolver, redactUrl } from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { parseDockerfile } from '../../dockerfile/index.ts'
import type { Store } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { BuildRecorder } from './build-record.ts'
import { loadDefinition, nameOf } from './definition.ts'
import { resolveEpoch } from './epoch.ts'
import type { FinishedBuild } from './finished.ts'
import { explainMismatch } from './lock/pins.ts'
import { refuseLists } from './outputs/archive.ts'
import { exportAll } from './outputs/index.ts'
import { isMultiPlatform, planOptions, targetPlatforms } from './plan-options.ts'
import { planPlatforms } from './plan-platforms.ts'
import { reportOf } from './report.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { solvePlatforms, solverOptions } from './solve.ts'
import { checkSyntax } from './syntax.ts'
import { checkedTag } from './tags.ts'
import { verifyBuild } from './verify.ts'

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
  const { squash, outputs = [{ type: 'image' }] } = request
  const multiPlatform = isMultiPlatform(request)
  refuseLists(outputs, { multiPlatform })
  const image = imageResolver(store, lease, { namesPlatform: multiPlatform, pins }, job)
  const sources = { image, named: contexts.resolver(image, job), ...(pins ? { pins } : {}) }
  const platforms = targetPlatforms(request)
  const options = planOptions(request, platforms[0]!)
  const { epoch, buildArgs } = await resolveEpoch({ session, dockerfile, options, sources, contexts }, job)
  const plans = await planPlatforms(dockerfile, { ...options, buildArgs }, { platforms, sources }, job)
  const runners = createRunners(session, contexts)
  const { solver, built } = await solvePlatforms(
    (stoppable) => record.follow(createSolver(runners, store, solverOptions(request, lease), stoppable)),
    plans,
    job,
  ).catch((error: unknown) => {
    throw explainMismatch(error, pins)
  })
  contexts.save()
  const result = { built, multiPlatform, solver, names, lease, epoch: request.epoch ?? epoch }
  const finished: FinishedBuild = squash ? { ...result, squash } : result
  const exported = await exportAll(store, finished, outputs, job)
  const report = { ...reportOf(exported, finished, dockerfile.warnings), explanation: record.explain() }
  if (!request.verifyReproducible) return report
  const afresh = await planPlatforms(dockerfile, { ...options, buildArgs, noCache: true }, { platforms, sources }, job)
  const again = { store, request, plans: afresh, contexts }
  return { ...report, verification: await verifyBuild(finished, again, job) }
}

/** A context as people know it again. */
function contextName({ context }: BuildRequest): string {
  if (typeof context !== 'string') return '-'
  return existsSync(context) ? realpathSync(context) : redactUrl(context)
}
