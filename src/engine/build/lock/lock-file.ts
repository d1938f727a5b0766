import {
  type Digest,
  fail,
  hasCode,
  isDigest,
  isJsonObject,
  type Json,
  parseJson,
  type SourceFile,
} from '../../../core/index.ts'

/** What names and URLs of a build stood for when it was locked. */
export interface LockFile {
  /** Manifest digest by full image name (`docker.io/library/busybox:latest`) and platform (`linux/amd64`). */
  images: Record<string, Record<string, Digest>>
  /** Content by URL. */
  http: Record<string, LockedDownload>
  /** Commit by git URL, with its fragment or query. */
  git: Record<string, { commit: string }>
}

/** The content behind a URL; the ETag only says to readers which version it was. */
export interface LockedDownload {
  digest: Digest
  etag?: string
}

const VERSION = 1
const LARGEST = 16 << 20

/** A lock that names nothing. */
export const emptyLock = (): LockFile => ({
  // names of URLs and images may be those of an object's own things
  ...{ images: Object.create(null), http: Object.create(null), git: Object.create(null) },
})

/** Reads a lock file. Fails with `LOCK_INVALID`, and says which entry is wrong. */
export function parseLock({ name, text }: SourceFile): LockFile {
  const value = parse(name, text)
  const invalid = (what: string): Error =>
    fail('LOCK_INVALID', `${name}: ${what}`, { hint: 'Write it anew with "slipway lock".' })
  if (!isJsonObject(value)) throw invalid('it must be a JSON object')
  if (value['lockVersion'] !== VERSION) throw invalid(`lockVersion must be ${VERSION}`)
  const lock = emptyLock()
  for (const [key, entry] of entries(value['images'])) lock.images[key] = platforms(key, entry)
  for (const [key, entry] of entries(value['http'])) lock.http[key] = locked(key, entry)
  for (const [key, entry] of entries(value['git'])) lock.git[key] = commit(key, entry)
  return lock

  function entries(group: Json | undefined): [string, Json][] {
    if (group === undefined) return []
    if (!isJsonObject(group)) throw invalid('images, http and git must be objects')
    return Object.entries(group)
  }
  function platforms(key: string, entry: Json): Record<string, Digest> {
    const digests = entries(entry).map(([platform, digest]) => [platform, digestOf(key, digest)] as const)
    return Object.fromEntries(digests)
  }
  function locked(key: string, entry: Json): LockedDownload {
    const { digest, etag } = isJsonObject(entry) ? entry : {}
    return { digest: digestOf(key, digest), ...(typeof etag === 'string' ? { etag } : {}) }
  }
  function commit(key: string, entry: Json): { commit: string } {
    const name = isJsonObject(entry) ? entry['commit'] : undefined
    if (typeof name === 'string' && /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(name)) return { commit: name }
    throw invalid(`${key} has no commit`)
  }
  function digestOf(key: string, digest: Json | undefined): Digest {
    if (typeof digest === 'string' && isDigest(digest)) return digest
    throw invalid(`${key} has no digest`)
  }
}

function parse(name: string, text: string): Json {
  try {
    return parseJson(Buffer.from(text), { what: name, maxBytes: LARGEST })
  } catch (error) {
    if (hasCode(error, 'JSON_INVALID')) throw fail('LOCK_INVALID', error.message, { cause: error })
    throw error
  }
}

/** The text of a lock file: sorted, an entry a line or a few, so that a diff shows what moved. */
export function formatLock(lock: LockFile): string {
  const groups = { images: sorted(lock.images, sorted), http: sorted(lock.http), git: sorted(lock.git) }
  const filled = Object.entries(groups).filter(([, group]) => Object.keys(group).length > 0)
  return `${JSON.stringify({ lockVersion: VERSION, ...Object.fromEntries(filled) }, null, 2)}\n`
}

function sorted<T>(group: Readonly<Record<string, T>>, value: (entry: T) => unknown = (entry) => entry): object {
  const names = Object.keys(group).sort((a, b) => (a < b ? -1 : 1))
  return Object.fromEntries(names.map((name) => [name, value(group[name]!)]))
}

/** One entry of a lock that is not what it was. */
export interface LockChange {
  /** An image name with its platform, or a URL. */
  name: string
  /** What it stood for, and what it stands for now; missing for one that is new or gone. */
  before?: string
  after?: string
}

/** What differs between two locks, in the order of the file. */
export function compareLocks(before: LockFile, after: LockFile): LockChange[] {
  const [old, fresh] = [flat(before), flat(after)]
  const names = [...new Set([...old.keys(), ...fresh.keys()])]
  return names
    .filter((name) => old.get(name) !== fresh.get(name))
    .map((name) => {
      const [was, is] = [old.get(name), fresh.get(name)]
      return { name, ...(was === undefined ? {} : { before: was }), ...(is === undefined ? {} : { after: is }) }
    })
}

function flat({ images, http, git }: LockFile): Map<string, string> {
  const pairs = [
    ...Object.entries(images).flatMap(([name, digests]) =>
      Object.entries(digests).map(([platform, digest]) => [`${name} ${platform}`, digest] as const),
    ),
    ...Object.entries(http).map(([url, { digest }]) => [url, digest] as const),
    ...Object.entries(git).map(([url, { commit }]) => [url, commit] as const),
  ]
  return new Map(pairs)
}
