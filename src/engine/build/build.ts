import path from 'node:path'
import {
  BuildSession,
  createRunners,
  createSolver,
  FileDigests,
  FolderSource,
  type PlanSources,
  planBuild,
} from '../../build/index.ts'
import { type Job, runTask } from '../../core/index.ts'
import { type Dockerfile, type ParseWarning, parseDockerfile } from '../../dockerfile/index.ts'
import { isIndexType } from '../../oci/index.ts'
import type { Store } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { contextFolder, readDockerfile, readIgnoreFile } from './definition.ts'
import type { FinishedBuild } from './finished.ts'
import { refuseLists } from './outputs/archive.ts'
import { type ExportResult, exportAll } from './outputs/index.ts'
import { epochOf, isMultiPlatform, planOptions, targetPlatforms } from './plan-options.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { secretNameWarnings } from './secret-names.ts'
import { type PlannedPlatform, solvePlatforms } from './solve.ts'
import { checkedTag } from './tags.ts'
import { compareBuilds } from './verify.ts'

/** Builds an image into the store. Fails with a span for everything that the Dockerfile is to blame for. */
export async function build(store: Store, request: BuildRequest, job: Job): Promise<BuildReport> {
  const names = (request.tags ?? []).map(checkedTag)
  const context = contextFolder(request.context)
  using lease = store.lease()
  await using session = new BuildSession(store, lease)
  const { file, source } = await internal(job, 'load build definition from', nameOf(request), () =>
    readDockerfile(context, request.dockerfile),
  )
  const dockerfile = parseDockerfile(source)
  for (const { message, span } of dockerfile.warnings) {
    job.progress({ type: 'warning', code: 'PARSE', message, ...(span ? { span } : {}) })
  }
  const { squash, outputs = [{ type: 'image' }] } = request
  const multiPlatform = isMultiPlatform(request)
  refuseLists(outputs, { multiPlatform })
  const sources = { image: imageResolver(store, lease, { namesPlatform: multiPlatform }, job), ...warner(job) }
  const plans = await planPlatforms(dockerfile, request, sources)
  const ignore = await internal(job, 'load', '.dockerignore', () => readIgnoreFile(context, file))
  const digests = new FileDigests(store.memos, context)
  const where = ignore ? `in the build context (see ${ignore.name})` : 'in the build context'
  const files = new FolderSource(context, { digests, where, ...(ignore ? { filter: ignore.filter } : {}) })
  const solve = (
    plan: readonly PlannedPlatform[],
    on: BuildSession,
    forgets: boolean,
  ): ReturnType<typeof solvePlatforms> => {
    const runners = createRunners(on, new Map([['context', files]]))
    const options = { now: Date.now, lease: on.lease, forgets }
    return solvePlatforms((stoppable) => createSolver(runners, store, options, stoppable), plan, job)
  }
  const { solver, built } = await solve(plans, session, false)
  digests.save()
  const epoch = epochOf(request, plans[0]!.stage.context.globalArgs)
  const finished: FinishedBuild = { built, multiPlatform, solver, names, lease, epoch, ...(squash ? { squash } : {}) }
  const result = report(await exportAll(store, finished, outputs, job), finished, dockerfile.warnings)
  if (!request.verifyReproducible) return result
  const afresh = await planPlatforms(dockerfile, { ...request, noCache: true }, sources)
  using scratch = store.lease()
  await using secondSession = new BuildSession(store, scratch)
  const second = { ...finished, ...(await solve(afresh, secondSession, true)), lease: scratch }
  return { ...result, verification: await compareBuilds(store, finished, second, job) }
}

/** Plans the same for each platform. */
async function planPlatforms(
  dockerfile: Dockerfile,
  request: BuildRequest,
  sources: PlanSources,
): Promise<PlannedPlatform[]> {
  const plans: PlannedPlatform[] = []
  for (const platform of targetPlatforms(request)) {
    plans.push({ platform, stage: await planBuild(dockerfile, planOptions(request, platform), sources) })
  }
  return plans
}

/** Warns about each stage once, for however many platforms it is planned. */
function warner(job: Job): Pick<PlanSources, 'planned'> {
  const seen = new Set<number>()
  return {
    planned(stage) {
      if (seen.has(stage.index)) return
      seen.add(stage.index)
      for (const warning of secretNameWarnings(stage)) job.progress(warning)
    },
  }
}

function nameOf({ dockerfile = 'Dockerfile' }: BuildRequest): string {
  return typeof dockerfile === 'string' ? dockerfile : dockerfile.name
}

/** Work that progress shows as `[internal] ...`. */
function internal<T>(job: Job, verb: string, what: string, work: () => T | Promise<T>): Promise<T> {
  const name = `[internal] ${verb} ${path.basename(what)}`
  return runTask(job, { id: name, name }, async () => work())
}

function report(
  { id, root, names, written, images }: ExportResult,
  { built, solver }: FinishedBuild,
  warnings: readonly ParseWarning[],
): BuildReport {
  const vertices = built.flatMap(({ stage }) => stage.steps.flatMap((step) => step.vertex ?? []))
  const made = [...new Map(vertices.map((vertex) => [vertex.id, vertex])).values()]
  const cached = made.filter((vertex) => solver.outcome(vertex)?.result === 'cached')
  const configDigest = isIndexType(root.mediaType) ? {} : { configDigest: images[0]!.id }
  const image = written ? { image: { ...root, ...configDigest } } : {}
  const counts = { steps: made.length, cachedSteps: cached.length }
  return { id, digest: root.digest, names: [...names], ...image, ...counts, warnings }
}
