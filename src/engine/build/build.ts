import path from 'node:path'
import { BuildSession, createRunners, createSolver, FileDigests, FolderSource, planBuild } from '../../build/index.ts'
import { type Job, runTask } from '../../core/index.ts'
import { type ParseWarning, parseDockerfile, type Stage } from '../../dockerfile/index.ts'
import { isIndexType } from '../../oci/index.ts'
import type { Store } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { contextFolder, readDockerfile, readIgnoreFile } from './definition.ts'
import type { FinishedBuild } from './finished.ts'
import { type ExportResult, exportAll } from './outputs/index.ts'
import { epochOf, isMultiPlatform, planOptions, targetPlatforms } from './plan-options.ts'
import type { BuildReport, BuildRequest } from './request.ts'
import { secretNameWarnings } from './secret-names.ts'
import { type PlannedPlatform, solvePlatforms } from './solve.ts'
import { checkedTag } from './tags.ts'

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
  const multiPlatform = isMultiPlatform(request)
  const image = imageResolver(store, lease, { namesPlatform: multiPlatform }, job)
  const seen = new Set<number>()
  const planned = (stage: Stage): void => {
    if (seen.has(stage.index)) return
    seen.add(stage.index)
    for (const warning of secretNameWarnings(stage)) job.progress(warning)
  }
  const plans: PlannedPlatform[] = []
  for (const platform of targetPlatforms(request)) {
    const stage = await planBuild(dockerfile, planOptions(request, platform), { image, planned })
    plans.push({ platform, stage })
  }
  const ignore = await internal(job, 'load', '.dockerignore', () => readIgnoreFile(context, file))
  const digests = new FileDigests(store.memos, context)
  const where = ignore ? `in the build context (see ${ignore.name})` : 'in the build context'
  const files = new FolderSource(context, { digests, where, ...(ignore ? { filter: ignore.filter } : {}) })
  const runners = createRunners(session, new Map([['context', files]]))
  const { solver, built } = await solvePlatforms(
    (stoppable) => createSolver(runners, store, { now: Date.now, lease }, stoppable),
    plans,
    job,
  )
  digests.save()
  const { squash, outputs = [{ type: 'image' }] } = request
  const epoch = epochOf(request)
  const finished: FinishedBuild = { built, multiPlatform, solver, names, lease, epoch, ...(squash ? { squash } : {}) }
  return report(await exportAll(store, finished, outputs, job), finished, dockerfile.warnings)
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
