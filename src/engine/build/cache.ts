import path from 'node:path'
import {
  type CacheCompression,
  type CacheSource,
  exportCache,
  openCache,
  openInlineCache,
  type Solver,
} from '../../build/index.ts'
import { type Digest, fail, hasCode, isDigest, type Job, messageOf, runTask } from '../../core/index.ts'
import { hostPlatform, type Platform } from '../../oci/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import { createOciLayout, openOciLayout } from '../../transfer/index.ts'
import type { FinishedBuild } from './finished.ts'
import type { BuiltPlatform } from './solve.ts'

/** A place for a build cache, as `--cache-from` and `--cache-to` name it. */
export interface CacheEntry {
  /** `local`, `inline` to export, `registry` to import from an image in the store; others are known, but not there yet. */
  type: string
  /** `dest`, `src`, `mode`, `tag`, `compression`, ... as in Docker's documentation. */
  attributes: Readonly<Record<string, string>>
}

/** Checks before anything is built that all places can be used. Fails with `USAGE_INVALID` or `BUILD_UNSUPPORTED`. */
export function checkCacheEntries(from: readonly CacheEntry[], to: readonly CacheEntry[]): void {
  for (const entry of from) checkEntry(entry, 'importer', 'src')
  for (const entry of to) {
    checkEntry(entry, 'exporter', 'dest')
    modeOf(entry)
    compressionOf(entry)
  }
}

const KNOWN = ['inline', 'gha', 's3', 'azblob']

function checkEntry({ type, attributes }: CacheEntry, role: 'importer' | 'exporter', key: 'src' | 'dest'): void {
  const wanted = type === 'registry' ? 'ref' : key
  if (type === 'local' || type === 'registry') {
    if (!attributes[wanted]) throw fail('USAGE_INVALID', `${type} cache ${role} requires ${wanted}`)
  } else if (!KNOWN.includes(type)) {
    throw fail('USAGE_INVALID', `unknown cache ${role}: ${JSON.stringify(type)}`)
  }
  const isThere = role === 'importer' ? 'registry' : 'inline'
  if (type !== 'local' && type !== isThere) {
    throw fail('BUILD_UNSUPPORTED', `a build cache of type ${type} is not supported yet`, {
      hint: `use type=local,${key}=FOLDER; the folder is an OCI layout that other tools can copy`,
    })
  }
}

/** Opens the caches to import from. One that is not there or cannot be read is a warning: the build goes on without. */
export async function openCaches(
  places: { store: Store; lease: Lease },
  { from, platforms = [] }: { from: readonly CacheEntry[]; platforms?: readonly Platform[] },
  job: Job,
): Promise<CacheSource[]> {
  const sources: CacheSource[] = []
  for (const entry of from) {
    const { where, name, open } =
      entry.type === 'local'
        ? cacheInFolder(places, entry, job)
        : cacheInImage(places, entry, platforms.length > 0 ? platforms : [hostPlatform()])
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

function cacheInFolder(places: { store: Store; lease: Lease }, { attributes }: CacheEntry, job: Job): NamedCache {
  const folder = attributes['src']!
  const reference = referenceOf(attributes)
  const open = async (): Promise<CacheSource> =>
    openCache({ ...places, source: await openOciLayout(folder, job) }, reference, job)
  return { where: folder, name: `importing cache manifest from local:${path.basename(folder)}`, open }
}

/** Of an image that is here; what is only in a registry is not looked for. */
function cacheInImage(
  places: { store: Store; lease: Lease },
  { attributes }: CacheEntry,
  platforms: readonly Platform[],
): NamedCache {
  const name = attributes['ref']!
  const { images, blobs } = places.store
  const open = async (): Promise<CacheSource> => {
    const image = images.find(name)?.image
    if (!image) throw fail('IMAGE_NOT_FOUND', `No such image: ${name}; registries are not supported yet`)
    const configs = platforms.flatMap((platform) => configOf(() => images.config(image, platform).digest))
    return openInlineCache(
      places,
      configs.map((digest) => blobs.readWhole(digest)),
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
  const given = buildArgs['BUILDKIT_INLINE_CACHE'] ?? ''
  return to.some(({ type }) => type === 'inline') || ['1', 't', 'T', 'TRUE', 'true', 'True'].includes(given)
}

function referenceOf({ digest, tag = 'latest' }: CacheEntry['attributes']): string {
  if (digest === undefined) return tag
  if (isDigest(digest)) return digest
  throw fail('USAGE_INVALID', `invalid digest ${JSON.stringify(digest)} for the cache importer`)
}

/** Exports the steps of a build to all places. Fails as writing does, unless `ignore-error=true` makes it a warning. */
export async function exportCaches(
  places: { store: Store; lease: Lease },
  entries: readonly CacheEntry[],
  finished: Pick<FinishedBuild, 'solver' | 'built'>,
  job: Job,
): Promise<void> {
  for (const entry of entries.filter(({ type }) => type !== 'inline')) {
    try {
      await exportTo(places, entry, finished, job)
    } catch (error) {
      if (entry.attributes['ignore-error'] !== 'true' || job.signal?.aborted) throw error
      const message = `the build cache was not exported: ${messageOf(error)}`
      job.progress({ type: 'warning', code: 'CACHE_EXPORT_FAILED', message })
    }
  }
}

async function exportTo(
  places: { store: Store; lease: Lease },
  entry: CacheEntry,
  { solver, built }: Pick<FinishedBuild, 'solver' | 'built'>,
  job: Job,
): Promise<void> {
  const { attributes } = entry
  const keys = stepKeys(solver, modeOf(entry) === 'max' ? undefined : built)
  const task = `cache to ${attributes['dest']}`
  await runTask(job, { id: task, name: 'exporting cache to client directory' }, async () => {
    const target = await createOciLayout(attributes['dest']!, job)
    const imageManifest = attributes['image-manifest'] !== 'false'
    const what = { keys, compression: compressionOf(entry), imageManifest, task }
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

function modeOf({ attributes: { mode = 'min' } }: CacheEntry): 'min' | 'max' {
  if (mode === 'min' || mode === 'max') return mode
  throw fail('USAGE_INVALID', `invalid mode ${JSON.stringify(mode)} of the cache exporter: it is min or max`)
}

const LEVELS = { gzip: 9, zstd: 22 }

function compressionOf({ attributes }: CacheEntry): CacheCompression {
  const { compression: kind = 'gzip', 'compression-level': text } = attributes
  if (kind === 'uncompressed') return { kind }
  if (kind !== 'gzip' && kind !== 'zstd') {
    throw fail('USAGE_INVALID', `unsupported layer compression type: ${kind}`, {
      hint: 'it is uncompressed, gzip or zstd',
    })
  }
  if (text === undefined) return { kind }
  const level = Number(text)
  if (Number.isInteger(level) && level >= 0 && level <= LEVELS[kind]) return { kind, level }
  throw fail('USAGE_INVALID', `invalid compression-level ${text}: for ${kind} it is a number up to ${LEVELS[kind]}`)
}
