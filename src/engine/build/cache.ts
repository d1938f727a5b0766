import path from 'node:path'
import { type CacheCompression, type CacheSource, exportCache, openCache } from '../../build/index.ts'
import { fail, hasCode, isDigest, type Job, messageOf, runTask } from '../../core/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import { createOciLayout, openOciLayout } from '../../transfer/index.ts'
import type { FinishedBuild } from './finished.ts'

/** A place for a build cache, as `--cache-from` and `--cache-to` name it. */
export interface CacheEntry {
  /** `local`; others are known, but not there yet. */
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
  if (type !== 'local') {
    throw fail('BUILD_UNSUPPORTED', `a build cache of type ${type} is not supported yet`, {
      hint: `use type=local,${key}=FOLDER; the folder is an OCI layout that other tools can copy`,
    })
  }
}

/** Opens the caches to import from. One that is not there or cannot be read is a warning: the build goes on without. */
export async function openCaches(
  places: { store: Store; lease: Lease },
  entries: readonly CacheEntry[],
  job: Job,
): Promise<CacheSource[]> {
  const sources: CacheSource[] = []
  for (const { attributes } of entries) {
    const folder = attributes['src']!
    const reference = referenceOf(attributes)
    const name = `importing cache manifest from local:${path.basename(folder)}`
    try {
      const open = async (): Promise<CacheSource> =>
        openCache({ ...places, source: await openOciLayout(folder, job) }, reference, job)
      const source = await runTask(job, { id: `cache from ${folder} ${reference}`, name }, open)
      sources.push(mistrusted(source, folder))
    } catch (error) {
      warnUnused(folder, error, job)
    }
  }
  return sources
}

/** What a cache holds may not be what it says: then it is not asked again. */
function mistrusted(source: CacheSource, folder: string): CacheSource {
  let isUsable = true
  return {
    knowsOperation: (opKey) => isUsable && source.knowsOperation(opKey),
    async bring(key, task, job) {
      try {
        return isUsable && (await source.bring(key, task, job))
      } catch (error) {
        if (isUsable) warnUnused(folder, error, job)
        isUsable = false
        return false
      }
    },
  }
}

function warnUnused(folder: string, error: unknown, job: Job): void {
  if (job.signal?.aborted || hasCode(error, 'DISK_FULL')) throw error
  const message = `the build cache in ${folder} is not used: ${messageOf(error)}`
  job.progress({ type: 'warning', code: 'CACHE_IMPORT_FAILED', message })
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
  for (const entry of entries) {
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
  const traces = solver.traces()
  const ofImage = new Set(built.flatMap(({ stage }) => stage.steps.flatMap(({ vertex }) => vertex?.id ?? [])))
  const wanted = modeOf(entry) === 'max' ? traces : traces.filter(({ vertex }) => ofImage.has(vertex.id))
  const keys = wanted.flatMap(({ key, result }) => (key && result !== 'failed' ? [key] : []))
  const task = `cache to ${attributes['dest']}`
  await runTask(job, { id: task, name: 'exporting cache to client directory' }, async () => {
    const target = await createOciLayout(attributes['dest']!, job)
    const imageManifest = attributes['image-manifest'] !== 'false'
    const what = { keys: [...new Set(keys)], compression: compressionOf(entry), imageManifest, task }
    await exportCache({ ...places, target }, { ...what, tag: attributes['tag'] ?? 'latest' }, job)
  })
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
