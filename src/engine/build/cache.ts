import path from 'node:path'
import { type CacheSource, exportCache, openCache, openInlineCache, type Solver } from '../../build/index.ts'
import { type Digest, hasCode, type Job, messageOf, parseGoBool, runTask } from '../../core/index.ts'
import { hostPlatform, type Platform } from '../../oci/index.ts'
import type { Lease } from '../../store/index.ts'
import { createOciLayout, openOciLayout } from '../../transfer/index.ts'
import type { Household } from '../registry/repository.ts'
import { type CacheEntry, cacheCompression, cacheMode, cacheReference, cacheTruth } from './cache-entry.ts'
import type { FinishedBuild } from './finished.ts'
import type { BuiltPlatform } from './solve.ts'

interface Places extends Household {
  lease: Lease
}

/** Opens the caches to import from. One that is not there or cannot be read is a warning: the build goes on without. */
export async function openCaches(
  places: Places,
  { from, platforms = [] }: { from: readonly CacheEntry[]; platforms?: readonly Platform[] },
  job: Job,
): Promise<CacheSource[]> {
  const sources: CacheSource[] = []
  for (const entry of from) {
    const { where, name, open } =
      entry.type === 'local'
        ? cacheInFolder(places, entry, job)
        : cacheInImage(places, entry, platforms.length > 0 ? platforms : [hostPlatform()], job)
    try {
      const source = await runTask(job, { id: `cache from ${where}`, name }, open)
      sources.push(mistrusted(source, where))
    } catch (error) {
      warnUnused(where, error, job)
    }
  }
  return sources
}

/** What a cache holds may not be what it says: then it is not asked again. */
function mistrusted(source: CacheSource, where: string): CacheSource {
  let isUsable = true
  return {
    knowsOperation: (opKey) => isUsable && source.knowsOperation(opKey),
    async bring(key, task, job) {
      try {
        return isUsable && (await source.bring(key, task, job))
      } catch (error) {
        if (isUsable) warnUnused(where, error, job)
        isUsable = false
        return false
      }
    },
  }
}

function warnUnused(where: string, error: unknown, job: Job): void {
  if (job.signal?.aborted || hasCode(error, 'DISK_FULL')) throw error
  const message = `the build cache in ${where} is not used: ${messageOf(error)}`
  job.progress({ type: 'warning', code: 'CACHE_IMPORT_FAILED', message })
}

interface NamedCache {
  where: string
  /** What progress calls it. */
  name: string
  open(): Promise<CacheSource>
}

function cacheInFolder(places: Places, entry: CacheEntry, job: Job): NamedCache {
  const folder = entry.attributes['src']!
  const reference = cacheReference(entry)
  const open = async (): Promise<CacheSource> =>
    openCache({ ...places, source: await openOciLayout(folder, job) }, reference, job)
  return { where: folder, name: `importing cache manifest from local:${path.basename(folder)}`, open }
}

/** In an image that is here, or in a registry: a cache of its own, or one that an image carries. */
function cacheInImage(
  places: Places,
  { attributes }: CacheEntry,
  platforms: readonly Platform[],
  job: Job,
): NamedCache {
  const name = attributes['ref']!
  const { images, blobs } = places.store
  const open = async (): Promise<CacheSource> => {
    const image = images.find(name)?.image
    if (!image) return (await import('./registry-cache.ts')).openRegistryCache(places, { name, platforms }, job)
    const configs = platforms.flatMap((platform) => configOf(() => images.config(image, platform).digest))
    return openInlineCache(
      places,
      configs.map((digest) => ({ config: blobs.readWhole(digest) })),
    )
  }
  return { where: name, name: `importing cache manifest from ${name}`, open }
}

/** An image need not be there for each platform. */
function configOf(find: () => Digest): Digest[] {
  try {
    return [find()]
  } catch (error) {
    if (hasCode(error, 'IMAGE_NOT_FOUND')) return []
    throw error
  }
}

/** Whether the image itself is to carry its steps. */
export function wantsInlineCache(to: readonly CacheEntry[], buildArgs: Readonly<Record<string, string>> = {}): boolean {
  const given = parseGoBool(buildArgs['BUILDKIT_INLINE_CACHE'] ?? '')
  return to.some(({ type }) => type === 'inline') || given === true
}

/** Exports the steps of a build to all places. Fails as writing does, unless `ignore-error=true` makes it a warning. */
export async function exportCaches(
  places: Places,
  entries: readonly CacheEntry[],
  finished: Pick<FinishedBuild, 'solver' | 'built'>,
  job: Job,
): Promise<void> {
  for (const entry of entries.filter(({ type }) => type !== 'inline')) {
    try {
      await exportTo(places, entry, finished, job)
    } catch (error) {
      if (!cacheTruth(entry, 'ignore-error', false) || job.signal?.aborted) throw error
      const message = `the build cache was not exported: ${messageOf(error)}`
      job.progress({ type: 'warning', code: 'CACHE_EXPORT_FAILED', message })
    }
  }
}

async function exportTo(
  places: Places,
  entry: CacheEntry,
  { solver, built }: Pick<FinishedBuild, 'solver' | 'built'>,
  job: Job,
): Promise<void> {
  const { type, attributes } = entry
  const keys = stepKeys(solver, cacheMode(entry) === 'max' ? undefined : built)
  const isRemote = type === 'registry'
  const where = attributes[isRemote ? 'ref' : 'dest']!
  const task = `cache to ${where}`
  const name = isRemote ? 'exporting cache to registry' : 'exporting cache to client directory'
  const imageManifest = cacheTruth(entry, 'image-manifest', true)
  const what = { keys, compression: cacheCompression(entry), imageManifest, task }
  await runTask(job, { id: task, name }, async () => {
    if (isRemote) return (await import('./registry-cache.ts')).exportToRegistry(places, where, what, job)
    const target = await createOciLayout(where, job)
    await exportCache({ ...places, target }, { ...what, tag: attributes['tag'] ?? 'latest' }, job)
  })
}

/** Keys of the steps that were done or found: of all, or of those that an image consists of. */
export function stepKeys(solver: Solver, images?: readonly BuiltPlatform[]): Digest[] {
  const traces = solver.traces()
  const own = new Set(images?.flatMap(({ stage }) => stage.steps.flatMap(({ vertex }) => vertex?.id ?? [])))
  const wanted = images ? traces.filter(({ vertex }) => own.has(vertex.id)) : traces
  return [...new Set(wanted.flatMap(({ key, result }) => (key && result !== 'failed' ? [key] : [])))]
}
