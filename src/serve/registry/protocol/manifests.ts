import {
  collectBytes,
  type Digest,
  digestAlgorithm,
  digestOf,
  fail,
  hasCode,
  isDigest,
  SlipwayError,
} from '../../../core/index.ts'
import { type ImageDocument, isIndexType, isManifestType, parseImageDocument, subjectOf } from '../../../oci/index.ts'
import { refuse } from '../failure.ts'
import type { NewManifest, RepositoryStorage, StoredManifest } from '../storage.ts'
import { checkConditions, etagOf, matchesEtag } from './conditions.ts'
import { type Exchange, requireDigest } from './exchange.ts'
import { isTag } from './route.ts'

/** What a manifest request is about. */
interface Target {
  readonly repository: string
  readonly reference: string
}

/** `GET` and `HEAD` of a manifest. */
export function getManifest(exchange: Exchange, { repository, reference }: Target): void {
  if (reference.includes(':')) requireDigest(reference)
  const storage = exchange.context.storage.repository(repository)
  const found = storage.manifest(reference)
  if (!found) throw unknown(reference)
  const manifest = isDigest(reference) ? found : acceptable(storage, found, exchange.header('accept'))
  const headers = {
    'Content-Type': manifest.mediaType,
    'Docker-Content-Digest': manifest.digest,
    'Docker-Distribution-Api-Version': 'registry/2.0',
    'X-Content-Type-Options': 'nosniff',
    ETag: etagOf(manifest.digest),
  }
  if (exchange.request.method === 'GET') storage.pulled(manifest.digest)
  if (matchesEtag(exchange.header('if-none-match'), manifest.digest)) exchange.send(304, headers)
  else exchange.send(200, headers, manifest.bytes)
}

/** `PUT` of a manifest, under a tag, or under its digest with any number of `?tag=`. */
export async function putManifest(exchange: Exchange, { repository, reference }: Target): Promise<void> {
  const { context, query } = exchange
  const tags = tagsOf(reference, query, context.limits.tags)
  if (reference.includes(':')) requireDigest(reference)
  const bytes = await readManifest(exchange)
  const manifest = newManifest(bytes, reference, exchange)
  const storage = context.storage.repository(repository)
  await store(storage, manifest, tags, {
    by: exchange.user,
    check: () => checkConditions(exchange.request.headers, () => storage.describe(reference)?.digest),
  })
  const subject = subjectOf(manifest.document)
  exchange.send(201, {
    Location: exchange.location(repository, `manifests/${manifest.digest}`),
    'Docker-Content-Digest': manifest.digest,
    ...(subject ? { 'OCI-Subject': subject.digest } : {}),
    ...(isDigest(reference) && tags.length > 0 ? { 'OCI-Tag': tags.join(', ') } : {}),
  })
}

/** `DELETE` of a tag, or of a manifest with all its tags. */
export async function deleteManifest(exchange: Exchange, { repository, reference }: Target): Promise<void> {
  if (reference.includes(':')) requireDigest(reference)
  const storage = exchange.context.storage.repository(repository)
  const check = (): void => checkConditions(exchange.request.headers, () => storage.describe(reference)?.digest)
  const options = { by: exchange.user, check }
  const gone = isDigest(reference)
    ? await storage.deleteManifest(reference, options)
    : await storage.deleteTag(reference, options)
  if (!gone) throw unknown(reference)
  exchange.send(202)
}

function unknown(reference: string): Error {
  return refuse('MANIFEST_UNKNOWN', 'manifest unknown', { detail: { reference: reference.slice(0, 200) } })
}

function tagsOf(reference: string, query: URLSearchParams, limit: number): string[] {
  const tags = reference.includes(':') ? [...new Set(query.getAll('tag'))] : [reference]
  if (tags.length > limit) throw refuse('TAG_INVALID', `more than ${limit} tags at once`, { status: 414 })
  const wrong = tags.find((tag) => !isTag(tag))
  if (wrong !== undefined) throw refuse('TAG_INVALID', 'invalid tag', { detail: { tag: wrong.slice(0, 200) } })
  return tags
}

async function readManifest(exchange: Exchange): Promise<Buffer> {
  const limit = exchange.context.limits.manifest
  const tooLarge = (): Error => refuse('SIZE_INVALID', `a manifest has at most ${limit} bytes`, { status: 413 })
  if ((exchange.contentLength() ?? 0) > limit) throw tooLarge()
  return collectBytes(exchange.body(), limit, tooLarge)
}

function newManifest(bytes: Buffer, reference: string, exchange: Exchange): NewManifest {
  const algorithm = isDigest(reference) ? digestAlgorithm(reference) : 'sha256'
  const digest = digestOf(bytes, algorithm)
  if (isDigest(reference) && reference !== digest) {
    throw refuse('DIGEST_INVALID', 'provided digest did not match uploaded content', { detail: { digest } })
  }
  const document = parse(bytes, exchange.header('content-type')?.replace(/;.*$/s, '').trim())
  checkCount(document, exchange.context.limits.references)
  return { digest, mediaType: document.mediaType, bytes, document }
}

function parse(bytes: Buffer, mediaType: string | undefined): ImageDocument {
  try {
    return parseImageDocument(bytes, mediaType || undefined)
  } catch (error) {
    if (!hasCode(error, 'JSON_INVALID', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED')) throw error
    throw refuse('MANIFEST_INVALID', error.message, { detail: error.data })
  }
}

function checkCount(document: ImageDocument, limit: number): void {
  const count = document.kind === 'index' ? document.index.manifests.length : document.manifest.layers.length
  if (count > limit) throw refuse('MANIFEST_INVALID', `a manifest names at most ${limit} others`)
}

async function store(
  storage: RepositoryStorage,
  manifest: NewManifest,
  tags: readonly string[],
  options: { by: string | undefined; check(): void },
): Promise<void> {
  try {
    await storage.putManifest(manifest, tags, options)
  } catch (error) {
    if (hasCode(error, 'BLOB_NOT_FOUND')) {
      throw refuse('MANIFEST_BLOB_UNKNOWN', 'blob unknown to registry', { detail: error.data })
    }
    // a storage that understands images refuses those that contradict themselves
    if (!(error instanceof SlipwayError) || error.fault !== 'invalid') throw error
    throw refuse('MANIFEST_INVALID', error.message, { detail: error.data })
  }
}

/**
 * Old clients say that they know manifests of single images only; an index by its tag is the one for linux/amd64 to
 * them, as other registries do it.
 */
function acceptable(storage: RepositoryStorage, found: StoredManifest, accept: string | undefined): StoredManifest {
  if (accept === undefined || !isIndexType(found.mediaType)) return found
  const accepted = accept.split(',').map((type) => type.split(';', 1)[0]!.trim())
  if (accepted.some((type) => type.endsWith('/*') || isIndexType(type)) || !accepted.some(isManifestType)) return found
  const child = amd64Of(found)
  return (child && storage.manifest(child)) ?? found
}

function amd64Of(found: StoredManifest): Digest | undefined {
  const document = parseImageDocument(found.bytes, found.mediaType)
  if (document.kind !== 'index') throw fail('INTERNAL', 'an index is no index')
  return document.index.manifests.find(({ platform }) => platform?.os === 'linux' && platform.architecture === 'amd64')
    ?.digest
}
