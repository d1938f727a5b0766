import { refuse } from '../failure.ts'
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
  const { context, request, response } = exchange
  const digest = requireDigest(reference)
  const blob = context.storage.repository(repository).blob(digest)
  if (!blob) throw unknown(digest)
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
    return
  }
  const place = request.method === 'GET' ? context.elsewhere(blob) : undefined
  if (place?.kind === 'redirect') {
    exchange.send(307, { ...headers, Location: place.address })
    return
  }
  if (place) {
    exchange.send(200, { ...headers, 'X-Accel-Redirect': place.address })
    return
  }
  const range = request.method === 'GET' ? wantedRange(exchange, blob) : undefined
  const { start, end } = range ?? { start: 0, end: blob.size }
  headers['Content-Length'] = end - start
  if (range) headers['Content-Range'] = `bytes ${start}-${end - 1}/${blob.size}`
  response.writeHead(range ? 206 : 200, headers)
  if (request.method === 'HEAD' || start === end) response.end()
  else exchange.blobBytes = await context.sendBlob(response, blob, { start, end })
}

/** `DELETE` of a blob: it cannot be read from this repository any more. */
export async function deleteBlob(exchange: Exchange, { repository, reference }: Target): Promise<void> {
  const digest = requireDigest(reference)
  const storage = exchange.context.storage.repository(repository)
  if (!(await storage.deleteBlob(digest, { by: exchange.user }))) throw unknown(digest)
  exchange.send(202)
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
