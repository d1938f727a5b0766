import { existsSync, realpathSync } from 'node:fs'
import {
  BuildSession,
  createRunners,
  createSolver,
  operationKeys,
  redactUrl,
  type SolverOptions,
} from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import { type BuildListener, recordBuild } from '../builds/recorder.ts'
import { createAttachments } from './attestations/attachments.ts'
import { attestationOptions } from './attestations/options.ts'
import { BuildRecorder, secretValues } from './build-record.ts'
import { nameOf } from './definition.ts'
import type { FinishedBuild } from './finished.ts'
import { explainMismatch } from './lock/pins.ts'
import { exportAll } from './outputs/index.ts'
import { isMultiPlatform } from './plan-options.ts'
import { type BuildWatcher, planRequest } from './plan-request.ts'
import { reportOf } from './report.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { solvePlatforms } from './solve.ts'
import { checkedTag } from './tags.ts'

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
  const names = (request.tags ?? []).map(checkedTag)
  const options = attestationOptions(request.attestations ?? [])
  const startedAt = Date.now()
  using lease = store.lease()
  await using session = new BuildSession(store, lease, { secrets: request.secrets ?? {}, agents: request.ssh ?? {} })
  using record = new BuildRecorder(store, session, { context: contextName(request), dockerfile: nameOf(request) })
  const { definition, plans, stages, warnings, epoch } = await planRequest(session, { request, watcher }, job)
  const { source, contexts, pins } = definition
  const runners = createRunners(session, contexts)
  const { solver, built } = await solvePlatforms(
    (stoppable) => {
      const created = record.follow(createSolver(runners, store, solverOptions(request, lease), stoppable))
      const results = plans.map(({ stage }) => stage.vertex)
      return listener.planned(results, created, operationKeys(runners))
    },
    plans,
    job,
  ).catch((error: unknown) => {
    throw explainMismatch(error, pins)
  })
  contexts.save()
  const facts = { request, dockerfile: source, solver, invocationId: listener.id, startedAt }
  const attachments = createAttachments(store, { ...facts, options, names, lease, contexts, planned: stages, epoch })
  const { squash, outputs = [{ type: 'image' }] } = request
  const finished: FinishedBuild = {
    ...{ built, multiPlatform: isMultiPlatform(request), solver, names, lease, epoch },
    ...(squash ? { squash } : {}),
    ...(attachments ? { attachments } : {}),
  }
  const exported = await exportAll(store, finished, outputs, job)
  return { ...reportOf(exported, finished, warnings), explanation: record.explain() }
}

function solverOptions({ parallelism, buildArgs }: BuildRequest, lease: Lease): SolverOptions {
  return { now: Date.now, lease, secrets: secretValues(buildArgs), ...(parallelism ? { parallelism } : {}) }
}

/** A context as people know it again. */
function contextName({ context }: BuildRequest): string {
  if (typeof context !== 'string') return '-'
  return existsSync(context) ? realpathSync(context) : redactUrl(context)
}
