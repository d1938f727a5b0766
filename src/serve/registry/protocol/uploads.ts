import { DIGEST_ALGORITHMS, type Digest, type DigestAlgorithm, digestAlgorithm, hasCode } from '../../../core/index.ts'
import { ProtocolFailure, refuse } from '../failure.ts'
import type { Upload, UploadHold } from '../storage.ts'
import { type Exchange, requireDigest } from './exchange.ts'
import { parseChunkRange } from './range.ts'

/** What an upload request is about. */
interface Target {
  readonly repository: string
  readonly id: string
}

/** Repositories that are tried for a mount without `from`. */
const MOUNT_CANDIDATES = 32

/** `POST`: mounts a blob, takes it whole, or opens an upload. */
export async function startUpload(exchange: Exchange, { repository }: { repository: string }): Promise<void> {
  const { query, context, user: by } = exchange
  const mount = query.get('mount')
  if (mount !== null && (await mountBlob(exchange, repository, requireDigest(mount)))) {
    created(exchange, repository, requireDigest(mount))
    return
  }
  const digest = query.get('digest') === null ? undefined : requireDigest(query.get('digest'))
  const algorithm = digest ? digestAlgorithm(digest) : wantedAlgorithm(query.get('digest-algorithm'))
  context.accept(repository, digest === undefined ? 0 : (exchange.contentLength() ?? 0), digest)
  const upload = context.storage.uploads.start(repository, { algorithm, by })
  if (digest === undefined) {
    acknowledge(exchange, upload, 202)
    return
  }
  using hold = upload.take()!
  try {
    await hold.append(exchange.passingBody(), context.limits.blob)
  } catch (error) {
    hold.cancel()
    throw error
  }
  await commit(exchange, { repository, hold, digest })
}

/** `PATCH`: a chunk with `Content-Range`, or a stream without it. */
export async function patchUpload(exchange: Exchange, target: Target): Promise<void> {
  const upload = find(exchange, target)
  using hold = take(upload)
  await append(exchange, upload, hold)
  await hold.sync()
  acknowledge(exchange, upload, 202)
}

/** `PUT`: the end of an upload, with its digest and perhaps its last bytes. */
export async function finishUpload(exchange: Exchange, target: Target): Promise<void> {
  const digest = requireDigest(exchange.query.get('digest'))
  const upload = find(exchange, target)
  using hold = take(upload)
  await append(exchange, upload, hold, digest)
  await commit(exchange, { repository: target.repository, hold, digest })
}

/** `GET` and `HEAD`: how far it is. */
export function describeUpload(exchange: Exchange, target: Target): void {
  acknowledge(exchange, find(exchange, target), 204)
}

/** `DELETE`: gives it up. */
export function cancelUpload(exchange: Exchange, target: Target): void {
  using hold = take(find(exchange, target))
  hold.cancel()
  exchange.send(204)
}

async function mountBlob(exchange: Exchange, repository: string, digest: Digest): Promise<boolean> {
  const { context, query, user: by } = exchange
  const target = context.storage.repository(repository)
  if (target.blob(digest)) return true
  const from = query.get('from')
  const candidates = from === null ? context.storage.repositoriesWith(digest, MOUNT_CANDIDATES) : [from]
  for (const candidate of candidates) {
    if ((await mayRead(exchange, candidate)) && (await target.mount(digest, candidate, { by }))) return true
  }
  return false
}

/** Mounting is reading: without this anybody could fetch any blob whose digest is known. */
async function mayRead(exchange: Exchange, repository: string): Promise<boolean> {
  const { request, context } = exchange
  const decision = await context.authorize({ action: 'pull', repository, isProbe: true, request })
  return !(decision instanceof ProtocolFailure)
}

function wantedAlgorithm(name: string | null): DigestAlgorithm {
  if (name === null) return 'sha256'
  const known = DIGEST_ALGORITHMS.find((algorithm) => algorithm === name)
  if (known) return known
  throw refuse('DIGEST_INVALID', 'unknown digest algorithm', { detail: { algorithm: name.slice(0, 100) } })
}

function find(exchange: Exchange, { repository, id }: Target): Upload {
  const upload = exchange.context.storage.uploads.find(repository, id)
  if (upload) return upload
  throw refuse('BLOB_UPLOAD_UNKNOWN', 'blob upload unknown to registry')
}

/** The request that has it may be one whose client is gone already, which shows in a moment: ask again. */
function take(upload: Upload): UploadHold {
  const hold = upload.take()
  if (hold) return hold
  throw refuse('UNAVAILABLE', 'another request writes to this upload', { headers: { 'Retry-After': '1' } })
}

async function append(exchange: Exchange, upload: Upload, hold: UploadHold, digest?: Digest): Promise<void> {
  const range = parseChunkRange(exchange.header('content-range'))
  const length = exchange.contentLength()
  const { limits } = exchange.context
  if (range && range.start !== upload.offset) throw outOfOrder(exchange, upload)
  if (range && length !== undefined && length !== range.length) {
    throw refuse('SIZE_INVALID', 'Content-Length and Content-Range do not agree')
  }
  if (upload.offset + (length ?? 0) > limits.blob) {
    throw refuse('SIZE_INVALID', `a blob has at most ${limits.blob} bytes`, { status: 413 })
  }
  if (length === 0) return
  if (length !== undefined) exchange.context.accept(upload.repository, upload.offset + length, digest)
  const start = upload.offset
  const limit = range ? Math.min(limits.blob, start + range.length) : limits.blob
  await hold.append(exchange.passingBody(), limit)
  if (range && upload.offset !== start + range.length) {
    throw refuse('SIZE_INVALID', 'the chunk is shorter than its Content-Range')
  }
}

async function commit(
  exchange: Exchange,
  { repository, hold, digest }: { repository: string; hold: UploadHold; digest: Digest },
): Promise<void> {
  try {
    await hold.commit(digest, { by: exchange.user })
  } catch (error) {
    if (!hasCode(error, 'CONTENT_MISMATCH')) throw error
    throw refuse('DIGEST_INVALID', error.message)
  }
  created(exchange, repository, digest)
}

function created(exchange: Exchange, repository: string, digest: Digest): void {
  exchange.send(201, {
    Location: exchange.location(repository, `blobs/${digest}`),
    'Docker-Content-Digest': digest,
  })
}

function acknowledge(exchange: Exchange, upload: Upload, status: number): void {
  exchange.send(status, { ...headersOf(exchange, upload) })
}

function outOfOrder(exchange: Exchange, upload: Upload): Error {
  return refuse('RANGE_INVALID', 'the chunk does not begin where the upload ends', {
    detail: { offset: upload.offset },
    headers: headersOf(exchange, upload),
  })
}

/** `0-0` stands for an upload without bytes as well as for one with a single byte: the protocol has nothing better. */
function headersOf(exchange: Exchange, upload: Upload): Record<string, string> {
  return {
    Location: exchange.location(upload.repository, `blobs/uploads/${upload.id}`),
    Range: `0-${Math.max(0, upload.offset - 1)}`,
    'Docker-Upload-UUID': upload.id,
    'Docker-Distribution-Api-Version': 'registry/2.0',
  }
}
