import { type Digest, digestAlgorithm, digestOf, fail, hasCode, isDigest, type Job } from '../core/index.ts'
import { type Descriptor, isIndexType, isManifestType, LIMITS, MEDIA, parseImageDocument } from '../oci/index.ts'
import type { About } from './answer-error.ts'
import { type Connection, contentType } from './connection.ts'
import { checkWhole } from './content-headers.ts'
import { headerOf } from './http/redirect.ts'
import type { Reply } from './http/reply.ts'
import type { Route } from './route.ts'

/** A manifest or index as a registry has it. */
export interface RemoteDocument {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

const ACCEPT = [MEDIA.ociIndex, MEDIA.ociManifest, MEDIA.dockerList, MEDIA.dockerManifest, '*/*'].join(', ')
const OK = [200]

/** Whether this is a manifest or an index, which have an address of their own in registries. */
export function isDocumentType(mediaType: string): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType)
}

/**
 * What a tag or digest stands for, by HEAD; `undefined` when that does not tell all of it and the manifest itself must be
 * asked for. Fails with `IMAGE_NOT_FOUND`, and with `CONTENT_MISMATCH` when a digest is answered with another one.
 */
export async function describe(
  server: Connection,
  route: Route,
  ref: string,
  job: Job,
): Promise<Descriptor | undefined> {
  const reply = await askForDocument('HEAD', server, route, ref, job).catch((error: unknown) => {
    // the answer to HEAD has no words; and some servers do not know it
    if (hasCode(error, 'REGISTRY_UNSUPPORTED', 'REGISTRY_DENIED', 'REGISTRY_UNAUTHORIZED', 'REGISTRY_INVALID_ANSWER')) {
      return undefined
    }
    throw error
  })
  if (!reply) return undefined
  const digest = headerOf(reply, 'docker-content-digest') ?? (isDigest(ref) ? ref : undefined)
  const size = headerOf(reply, 'content-length')
  const mediaType = contentType(reply)
  if (!isDigest(digest) || size === undefined || !/^\d{1,9}$/.test(size) || !isDocumentType(mediaType)) return undefined
  if (isDigest(ref) && digest !== ref) throw otherDigest(ref, digest)
  if (Number(size) > LIMITS.manifestBytes) throw tooLarge(route, ref)
  return { mediaType, digest, size: Number(size) }
}

/**
 * The manifest or index of a tag or digest, its digest verified. By tag its own digest counts, whatever the registry says
 * it is; that is a warning then. Fails with `IMAGE_NOT_FOUND`, `CONTENT_MISMATCH`, `MANIFEST_INVALID` and others of `parseImageDocument`.
 */
export async function fetchDocument(server: Connection, route: Route, ref: string, job: Job): Promise<RemoteDocument> {
  const reply = await askForDocument('GET', server, route, ref, job)
  checkWhole(reply)
  const bytes = reply.body
  const stated = headerOf(reply, 'docker-content-digest')
  const algorithm = isDigest(ref) ? digestAlgorithm(ref) : isDigest(stated) ? digestAlgorithm(stated) : 'sha256'
  const digest = digestOf(bytes, algorithm)
  if (isDigest(ref) && digest !== ref) throw otherDigest(ref, digest)
  if (!isDigest(ref) && stated !== undefined && stated !== digest) {
    const message = `${refName(route, ref)}: the registry says that its digest is ${stated.slice(0, 200)}, and it is ${digest}`
    job.progress({ type: 'warning', code: 'REGISTRY_DIGEST', message })
  }
  const said = contentType(reply)
  const { mediaType } = parseImageDocument(bytes, isDocumentType(said) ? said : undefined)
  return { descriptor: { mediaType, digest, size: bytes.length }, bytes }
}

/** Bytes of a manifest that a descriptor points at. Fails with `BLOB_NOT_FOUND`, `CONTENT_MISMATCH`. */
export async function readDocument(
  server: Connection,
  route: Route,
  descriptor: Descriptor,
  job: Job,
): Promise<Buffer> {
  const { digest, size } = descriptor
  const reply = await askForDocument('GET', server, route, digest, job)
  checkWhole(reply)
  if (reply.body.length !== size) {
    throw fail('CONTENT_MISMATCH', `content of ${digest} has ${reply.body.length} bytes, ${size} were declared`)
  }
  const actual = digestOf(reply.body, digestAlgorithm(digest))
  if (actual !== digest) throw otherDigest(digest, actual)
  return reply.body
}

/** Whether the registry has this manifest, by HEAD, else by GET. */
export async function hasDocument(server: Connection, route: Route, digest: Digest, job: Job): Promise<boolean> {
  const ask = (method: 'HEAD' | 'GET'): Promise<Reply> => askForDocument(method, server, route, digest, job)
  try {
    await ask('HEAD').catch((error: unknown) => {
      if (hasCode(error, 'REGISTRY_UNSUPPORTED')) return ask('GET')
      throw error
    })
    return true
  } catch (error) {
    if (hasCode(error, 'IMAGE_NOT_FOUND')) return false
    throw error
  }
}

/** Asks for a manifest or index by tag or digest. Fails with `IMAGE_NOT_FOUND`. */
export function askForDocument(
  method: 'HEAD' | 'GET',
  server: Connection,
  route: Route,
  ref: string,
  job: Job,
): Promise<Reply> {
  return server.ask(
    {
      method,
      to: `/${server.endpoint.repository}/manifests/${ref}`,
      headers: { accept: ACCEPT },
      scopes: route.scopes(server, 'pull'),
      about: aboutRef(route, ref),
      expects: OK,
      limit: LIMITS.manifestBytes,
    },
    job,
  )
}

/** What errors say that was asked for. */
export function aboutRef(route: Route, ref: string, writes = false): About {
  return route.about('manifest', refName(route, ref), writes)
}

function refName(route: Route, ref: string): string {
  return route.familiar(isDigest(ref) ? { digest: ref } : { tag: ref })
}

function otherDigest(wanted: Digest, actual: string): Error {
  return fail('CONTENT_MISMATCH', `content of ${wanted} has the digest ${actual}`)
}

function tooLarge(route: Route, ref: string): Error {
  return fail(
    'REGISTRY_INVALID_ANSWER',
    `${refName(route, ref)}: the manifest is larger than ${LIMITS.manifestBytes} bytes`,
  )
}
