import { type Digest, hasCode } from '../../../core/index.ts'
import type { BlobPlace, SendRange } from '../extensions.ts'
import { refuse } from '../failure.ts'
import type { StoredBlob } from '../storage.ts'
import { etagOf, matchesEtag } from './conditions.ts'
import { type Exchange, requireDigest } from './exchange.ts'
import { parseRange } from './range.ts'

/** What a blob request is about. */
interface Target {
  readonly repository: string
  readonly reference: string
}

/** `GET` and `HEAD` of a blob, whole or a range of it. */
export async function getBlob(exchange: Exchange, { repository, reference }: Target): Promise<void> {
  const { context } = exchange
  const digest = requireDigest(reference)
  const blob = context.storage.repository(repository).blob(digest)
  if (!blob) throw unknown(digest)
  const place = exchange.request.method === 'GET' ? context.elsewhere(blob) : undefined
  const range = beginBlob(exchange, blob, place)
  if (range) exchange.blobBytes = await sendOrReport(exchange, repository, blob, range)
}

/** Sets the head of the answer, and says which bytes are to follow; when none are, or `place` sends them, the answer is complete. */
export function beginBlob(
  exchange: Exchange,
  blob: { digest: Digest; size: number },
  place?: BlobPlace,
): SendRange | undefined {
  const { request, response } = exchange
  const { digest } = blob
  const headers: Record<string, string | number> = {
    'Content-Type': 'application/octet-stream',
    'Docker-Content-Digest': digest,
    'Docker-Distribution-Api-Version': 'registry/2.0',
    'Accept-Ranges': 'bytes',
    'Cache-Control': 'max-age=31536000',
    ETag: etagOf(digest),
  }
  if (matchesEtag(exchange.header('if-none-match'), digest)) {
    exchange.send(304, headers)
    return undefined
  }
  if (place?.kind === 'redirect') {
    exchange.send(307, { ...headers, Location: place.address })
    return undefined
  }
  if (place) {
    exchange.send(200, { ...headers, 'X-Accel-Redirect': place.address })
    return undefined
  }
  const range = request.method === 'GET' ? wantedRange(exchange, blob) : undefined
  const { start, end } = range ?? { start: 0, end: blob.size }
  headers['Content-Length'] = end - start
  if (range) headers['Content-Range'] = `bytes ${start}-${end - 1}/${blob.size}`
  // set, not sent: a file that is gone shows when it is opened
  response.statusCode = range ? 206 : 200
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
  if (request.method !== 'HEAD' && start < end) return { start, end }
  response.end()
  return undefined
}

/** `DELETE` of a blob: it cannot be read from this repository any more. */
export async function deleteBlob(exchange: Exchange, { repository, reference }: Target): Promise<void> {
  const digest = requireDigest(reference)
  const storage = exchange.context.storage.repository(repository)
  if (!(await storage.deleteBlob(digest, { by: exchange.user }))) throw unknown(digest)
  exchange.send(202)
}

/** Whoever comes after a request that found the file gone is told that the blob is not there, and may push it again. */
async function sendOrReport(
  { context, response }: Exchange,
  repository: string,
  blob: StoredBlob,
  range: SendRange,
): Promise<number> {
  try {
    return await context.sendBlob(response, blob, range)
  } catch (error) {
    if (hasCode(error, 'BLOB_NOT_FOUND')) context.storage.repository(repository).lost(blob.digest)
    throw error
  }
}

/** A range counts only while the content is the one that `If-Range` knows. */
function wantedRange(exchange: Exchange, blob: { digest: string; size: number }): ReturnType<typeof parseRange> {
  const condition = exchange.header('if-range')
  if (condition !== undefined && condition !== `"${blob.digest}"`) return undefined
  return parseRange(exchange.header('range'), blob.size)
}

function unknown(digest: string): Error {
  return refuse('BLOB_UNKNOWN', 'blob unknown to registry', { detail: { digest } })
}
