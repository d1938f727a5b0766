import { BuildSession, createRunners, createSolver, operationKeys, type Solver } from '../../build/index.ts'
import { fail, type Job } from '../../core/index.ts'
import type { Store } from '../../store/index.ts'
import { type BuildListener, recordBuild } from '../builds/recorder.ts'
import { createAttachments } from './attestations/attachments.ts'
import { attestationOptions } from './attestations/options.ts'
import { reportedProvenance } from './attestations/provenance.ts'
import { exportCaches, openCaches, wantsInlineCache } from './cache.ts'
import { checkCacheEntries } from './cache-entry.ts'
import type { FinishedBuild } from './finished.ts'
import { explainMismatch } from './lock/pins.ts'
import { refuseLists } from './outputs/archive.ts'
import { exportAll } from './outputs/index.ts'
import type { Output } from './outputs/output.ts'
import { isMultiPlatform } from './plan-options.ts'
import { type BuildWatcher, type PlannedRequest, planRequest } from './plan-request.ts'
import { reportOf } from './report.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { solvePlatforms, solverOptions } from './solve.ts'
import { checkedTag } from './tags.ts'
import { verifyBuild } from './verify.ts'

/**
 * Builds an image into the store, and keeps a record of that. Fails with a span for everything that the Dockerfile is to
 * blame for.
 */
export async function build(
  store: Store,
  request: BuildRequest,
  job: Job,
  watcher?: BuildWatcher,
): Promise<BuildReport> {
  const work = (listener: BuildListener, heard: Job) => buildImage(store, request, { listener, watcher }, heard)
  const { result, record } = await recordBuild(store, request, job, work)
  return { ...result, record }
}

async function buildImage(
  store: Store,
  request: BuildRequest,
  { listener, watcher }: { listener: BuildListener; watcher: BuildWatcher | undefined },
  job: Job,
): Promise<Omit<BuildReport, 'record'>> {
  const { names, outputs, cacheTo } = checked(request)
  using lease = store.lease()
  await using session = new BuildSession(store, lease, { secrets: request.secrets ?? {}, agents: request.ssh ?? {} })
  const planned = await planRequest(session, { request, watcher }, job)
  const solved = await solve(session, { request, planned, listener }, job)
  const { solver } = solved
  const { definition, warnings, epoch } = planned
  const { source, contexts } = definition
  const { id: invocationId, startedAt } = listener
  const sources = { request, dockerfile: source, solver, invocationId, startedAt }
  const options = attestationOptions(request.attestations ?? [])
  const attachments = createAttachments(store, { ...sources, options, names, lease, contexts, epoch })
  const finished: FinishedBuild = {
    ...{ ...solved, multiPlatform: isMultiPlatform(request), names, lease, epoch },
    ...(request.registries ? { registries: request.registries } : {}),
    ...(request.squash ? { squash: request.squash } : {}),
    ...(attachments ? { attachments } : {}),
    inlineCache: wantsInlineCache(cacheTo, request.buildArgs),
  }
  const exported = await exportAll(store, finished, outputs, job)
  await exportCaches({ store, lease, registries: request.registries }, cacheTo, finished, job)
  const report = {
    ...{ ...reportOf(exported, finished, warnings), explanation: listener.explain() },
    ...(await reportedProvenance(sources, finished.built, options, job)),
  }
  if (!request.verifyReproducible) return report
  const again = { store, request, plans: await planned.planAfresh(), contexts }
  return { ...report, verification: await verifyBuild(finished, again, job) }
}

/** What can be said of a request before anything is looked for. */
function checked(request: BuildRequest): Required<Pick<BuildRequest, 'outputs' | 'cacheTo'>> & { names: string[] } {
  const { tags = [], outputs = [{ type: 'image' }], cacheFrom = [], cacheTo = [], attestations = [] } = request
  attestationOptions(attestations)
  checkCacheEntries(cacheFrom, cacheTo)
  refuseNameless(outputs, tags)
  refuseLists(outputs, { multiPlatform: isMultiPlatform(request) })
  return { names: tags.map(checkedTag), outputs, cacheTo }
}

interface Work {
  request: BuildRequest
  planned: PlannedRequest
  listener: BuildListener
}

async function solve(session: BuildSession, { request, planned, listener }: Work, job: Job) {
  const { store, lease } = session
  const { definition, plans } = planned
  const runners = createRunners(session, definition.contexts)
  const { cacheFrom = [], platforms, registries } = request
  const sources = await openCaches(
    { store, lease, registries },
    { from: cacheFrom, ...(platforms ? { platforms } : {}) },
    job,
  )
  const options = { ...solverOptions(request, lease), sources }
  const results = plans.map(({ stage }) => stage.vertex)
  const create = (stoppable: Job): Solver => {
    const solver = createSolver(runners, store, options, stoppable)
    return listener.planned({ results, solver, opKey: operationKeys(runners) }, session.fileLists)
  }
  try {
    return await solvePlatforms(create, plans, job)
  } catch (error) {
    throw explainMismatch(error, definition.pins)
  } finally {
    definition.contexts.save()
  }
}

/** What has no name cannot be pushed. Fails with `OUTPUT_INVALID`, in BuildKit's words. */
function refuseNameless(outputs: readonly Output[], tags: readonly string[]): void {
  const isNameless = (output: Output): boolean =>
    output.type === 'image' && output.push !== undefined && (output.names ?? tags).length === 0
  if (outputs.some(isNameless)) throw fail('OUTPUT_INVALID', 'tag is needed when pushing to registry')
}
