import type { CacheCompression } from '../../build/index.ts'
import { fail, isDigest, notGoBool, parseGoBool } from '../../core/index.ts'

/** A place for a build cache, as `--cache-from` and `--cache-to` name it. */
export interface CacheEntry {
  /** `local`, `registry`, `inline` to export; others are known, but not there. */
  type: string
  /** `dest`, `src`, `mode`, `tag`, `compression`, ... as in Docker's documentation. */
  attributes: Readonly<Record<string, string>>
}

/** Checks before anything is built that all places can be used. Fails with `USAGE_INVALID` or `BUILD_UNSUPPORTED`. */
export function checkCacheEntries(from: readonly CacheEntry[], to: readonly CacheEntry[]): void {
  for (const entry of from) checkEntry(entry, 'importer', 'src')
  for (const entry of to) {
    checkEntry(entry, 'exporter', 'dest')
    cacheMode(entry)
    cacheCompression(entry)
    checkTruths(entry)
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
  const isThere = type === 'local' || type === 'registry' || (type === 'inline' && role === 'exporter')
  if (!isThere) {
    const hint = `use type=registry,ref=NAME, or type=local,${key}=FOLDER, an OCI layout that other tools can copy`
    throw unsupported(`of type ${type}`, hint)
  }
}

/** An attribute that is a yes or a no. Fails with `USAGE_INVALID`, in BuildKit's words. */
export function cacheTruth({ attributes }: CacheEntry, name: string, missing: boolean): boolean {
  const text = attributes[name]
  if (text === undefined) return missing
  const truth = parseGoBool(text)
  if (truth === undefined) throw fail('USAGE_INVALID', `failed to parse ${name}: ${notGoBool(text)}`)
  return truth
}

function checkTruths(entry: CacheEntry): void {
  cacheTruth(entry, 'ignore-error', false)
  cacheTruth(entry, 'image-manifest', true)
  // layers always come out as the entry says: nothing has to be forced
  cacheTruth(entry, 'force-compression', true)
  if (!cacheTruth(entry, 'oci-mediatypes', true))
    throw unsupported("with Docker's media types", 'leave oci-mediatypes away')
  if (cacheTruth(entry, 'reset', false)) throw unsupported('that is reset', 'remove the folder before the build')
}

function unsupported(what: string, hint: string): Error {
  return fail('BUILD_UNSUPPORTED', `a build cache ${what} is not supported`, { hint })
}

/** The manifest to import: a tag or a digest. Fails with `USAGE_INVALID`. */
export function cacheReference({ attributes: { digest, tag = 'latest' } }: CacheEntry): string {
  if (digest === undefined) return tag
  if (isDigest(digest)) return digest
  throw fail('USAGE_INVALID', `invalid digest ${JSON.stringify(digest)} for the cache importer`)
}

/** Which steps an export has: those of the image, or all. Fails with `USAGE_INVALID`. */
export function cacheMode({ attributes: { mode = 'min' } }: CacheEntry): 'min' | 'max' {
  if (mode === 'min' || mode === 'max') return mode
  throw fail('USAGE_INVALID', `invalid mode ${JSON.stringify(mode)} of the cache exporter: it is min or max`)
}

const LEVELS = { gzip: 9, zstd: 22 }

/** How an export packs its layers. Fails with `USAGE_INVALID`. */
export function cacheCompression({ attributes }: CacheEntry): CacheCompression {
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
