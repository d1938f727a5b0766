import type { Digest } from '../../../core/index.ts'
import { type Descriptor, isIndexType, MEDIA, parseImageDocument } from '../../../oci/index.ts'
import type { RepositoryStorage } from '../storage.ts'
import { type Exchange, requireDigest } from './exchange.ts'
import { namespaceOf, nextPage, wantedCount } from './lists.ts'

/** Clients read at most 4 MiB of an index; the rest goes to the next page. */
const MAX_BYTES = 4_000_000

/** Where a list of referrers goes on, and what may be in it. */
export interface ReferrersPage {
  artifactType: string | undefined
  last: string | undefined
  limit: number
}

/** `GET` of what refers to a manifest; an empty list for one that is not there. */
export function listReferrers(exchange: Exchange, target: { repository: string; reference: string }): void {
  const subject = requireDigest(target.reference)
  const storage = exchange.context.storage.repository(target.repository)
  sendReferrers(exchange, target, (page) => mergedReferrers(storage, subject, page))
}

/** Answers with a page of what `list` gives, which is sorted by digest. `repository` is the name that was asked for. */
export function sendReferrers(
  exchange: Exchange,
  { repository, reference }: { repository: string; reference: string },
  list: (page: ReferrersPage) => readonly Descriptor[],
): void {
  const artifactType = exchange.query.get('artifactType') || undefined
  const last = exchange.query.get('last') ?? undefined
  const count = Math.max(1, wantedCount(exchange))
  const found = list({ artifactType, last, limit: count + 1 })
  const entries = fitting(found.slice(0, count))
  const headers: Record<string, string> = { 'Content-Type': MEDIA.ociIndex }
  if (artifactType !== undefined) headers['OCI-Filters-Applied'] = 'artifactType'
  if (entries.length < found.length) {
    const query = { n: String(count), last: entries.at(-1)!.digest, ...(artifactType ? { artifactType } : {}) }
    const path = `/v2/${repository}/referrers/${reference}`
    Object.assign(headers, nextPage(path, { ...query, ...namespaceOf(exchange) }))
  }
  const body = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests: entries })
  exchange.send(200, headers, body)
}

/**
 * Manifests with this subject, and those that clients listed under the fallback tag because an earlier registry could
 * not (distribution spec, "Enabling the Referrers API": they MUST be included).
 */
export function mergedReferrers(storage: RepositoryStorage, subject: Digest, page: ReferrersPage): Descriptor[] {
  const { artifactType, last = '', limit } = page
  const own = storage.referrers(subject, page)
  const listed = fallbackEntries(storage, subject).filter(
    (entry) => entry.digest > last && (artifactType === undefined || entry.artifactType === artifactType),
  )
  if (listed.length === 0) return own
  const isKnown = (digest: Digest): boolean =>
    own.some((entry) => entry.digest === digest) || storage.describe(digest) === undefined
  const extra = listed.filter((entry) => !isKnown(entry.digest))
  return [...own, ...extra].sort((a, b) => (a.digest < b.digest ? -1 : 1)).slice(0, limit)
}

function fallbackEntries(storage: RepositoryStorage, subject: Digest): readonly Descriptor[] {
  const manifest = storage.manifest(fallbackTag(subject))
  if (!manifest || !isIndexType(manifest.mediaType)) return []
  const document = parseImageDocument(manifest.bytes, manifest.mediaType)
  return document.kind === 'index' ? document.index.manifests : []
}

/** Distribution spec, "Referrers Tag Schema": algorithm and hex at most 32 and 64 characters. */
function fallbackTag(digest: Digest): string {
  const [algorithm, hex] = digest.split(':') as [string, string]
  return `${algorithm.slice(0, 32)}-${hex.slice(0, 64)}`
}

/** As many entries as fit, one at least. */
function fitting(entries: readonly Descriptor[]): readonly Descriptor[] {
  let bytes = 0
  const end = entries.findIndex((entry) => {
    bytes += JSON.stringify(entry).length + 1
    return bytes > MAX_BYTES
  })
  return end < 0 ? entries : entries.slice(0, Math.max(1, end))
}
