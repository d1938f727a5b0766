import path from 'node:path'
import {
  BuildSession,
  createRunners,
  createSolver,
  FileDigests,
  FolderSource,
  planBuild,
  type Solver,
  type SolverOptions,
  type StageState,
} from '../../build/index.ts'
import { type Job, runTask } from '../../core/index.ts'
import { type ParseWarning, parseDockerfile } from '../../dockerfile/index.ts'
import type { LayerRecord, Lease, Store, StoredImage } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { BuildRecorder, secretValues } from './build-record.ts'
import { checkCacheEntries, exportCaches, openCaches } from './cache.ts'
import { contextFolder, readDockerfile, readIgnoreFile } from './definition.ts'
import { exportTask } from './export.ts'
import { epochOf, planOptions } from './plan-options.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { secretNameWarnings } from './secret-names.ts'
import { checkedTag } from './tags.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  const { cacheFrom = [], cacheTo = [] } = request
  checkCacheEntries(cacheFrom, cacheTo)
  const context = contextFolder(request.context)
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  using record = new BuildRecorder(store, session, { context, dockerfile: nameOf(request) })
  const { file, source } = await internal(job, 'load build definition from', nameOf(request), () =>
    readDockerfile(context, request.dockerfile),
  )
  const dockerfile = parseDockerfile(source)
  for (const { message, span } of dockerfile.warnings) {
    job.progress({ type: 'warning', code: 'PARSE', message, ...(span ? { span } : {}) })
  }
  const stage = await planBuild(dockerfile, planOptions(request), {
    image: imageResolver(store, lease, job),
    planned: (planned) => {
      for (const warning of secretNameWarnings(planned)) job.progress(warning)
    },
  })
  const ignore = await internal(job, 'load', '.dockerignore', () => readIgnoreFile(context, file))
  const digests = new FileDigests(store.memos, context)
  const where = ignore ? `in the build context (see ${ignore.name})` : 'in the build context'
  const files = new FolderSource(context, { digests, where, ...(ignore ? { filter: ignore.filter } : {}) })
  const runners = createRunners(session, new Map([['context', files]]))
  const sources = await openCaches({ store, lease }, cacheFrom, job)
  const solver = record.follow(createSolver(runners, store, { ...solverOptions(request, lease), sources }, job))
  const layers = await solveAll(solver, stage)
  digests.save()
  const image = await exportTask(store, { stage, solver, layers, names, lease, epoch: epochOf(request) }, job)
  const ofImage = new Set(stage.steps.flatMap(({ vertex }) => vertex?.id ?? []))
  await exportCaches({ store, lease }, cacheTo, { traces: solver.traces(), ofImage }, job)
  return { ...report(image, stage, solver, names, dockerfile.warnings), explanation: record.explain() }
}

function solverOptions({ parallelism, buildArgs }: BuildRequest, lease: Lease): SolverOptions {
  return { now: Date.now, lease, secrets: secretValues(buildArgs), ...(parallelism ? { parallelism } : {}) }
}

function nameOf({ dockerfile = 'Dockerfile' }: BuildRequest): string {
  return typeof dockerfile === 'string' ? dockerfile : dockerfile.name
}

/** Work that progress shows as `[internal] ...`. */
function internal<T>(job: Job, verb: string, what: string, work: () => T | Promise<T>): Promise<T> {
  const name = `[internal] ${verb} ${path.basename(what)}`
  return runTask(job, { id: name, name }, async () => work())
}

async function solveAll(solver: Solver, stage: StageState): Promise<LayerRecord[]> {
  try {
    const value = await solver.solve(stage.vertex)
    await solver.settle()
    return value.kind === 'layers' ? Promise.all(value.layers.map((layer) => layer.committed)) : []
  } catch (error) {
    await solver.settle().catch(() => {}) // what still runs must end before its folders go
    throw error
  }
}

function report(
  image: StoredImage,
  stage: StageState,
  solver: Solver,
  names: string[],
  warnings: readonly ParseWarning[],
): Omit<BuildReport, 'explanation'> {
  const made = stage.steps.flatMap((step) => step.vertex ?? [])
  const cached = made.filter((vertex) => solver.outcome(vertex)?.result === 'cached')
  const { id, descriptor } = image
  return { id, digest: descriptor.digest, names, steps: made.length, cachedSteps: cached.length, warnings }
}
