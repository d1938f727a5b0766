import type { Dispatcher } from 'undici'
import { type Bytes, checkCanceled, type Digest, hasCode, type Job, messageOf } from '../../core/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import { redactUrl } from '../url.ts'
import { httpAuthorization } from './authorization.ts'
import { downloadFailed, fetchUrl } from './request.ts'

/** A downloaded file; its content is a blob that the build holds. */
export interface Downloaded {
  digest: Digest
  /** Bytes. */
  size: number
  /** Last-Modified as Unix seconds, 0 when the server does not say. */
  time: number
  /** What the server calls this version of it. */
  etag?: string
}

/** Where a download goes, and what protects it there. */
export interface Destination {
  store: Store
  lease: Lease
  /** The user's secrets; those for the host of a URL go along with the question. */
  secret?(id: string): Buffer | undefined
}

/** A URL, and how to ask for it. */
export interface DownloadSource {
  url: string
  /** Milliseconds that the server may say nothing. */
  silence?: number | undefined
}

interface Remembered extends Downloaded {
  lastModified?: string
}

const KIND = 'download'
const LARGEST = 16 * 2 ** 30

/**
 * Fetches a URL into the store. One that was fetched before is asked for with its ETag or date, and not transferred
 * again while it holds. Fails with `DOWNLOAD_FAILED`, as `fetchUrl` does.
 */
export async function download(
  into: Destination,
  from: string | DownloadSource,
  task: string,
  job: Job,
): Promise<Downloaded> {
  const source: DownloadSource = typeof from === 'string' ? { url: from } : from
  const { url } = source
  const { memos, blobs } = into.store
  const place = redactUrl(url)
  const known = JSON.parse(memos.getText(KIND, place) ?? 'null') as Remembered | null
  if (known) into.lease.hold([known.digest])
  const reusable = known && blobs.has(known.digest) ? known : undefined
  const { response } = await fetchUrl(
    url,
    { ...source, headers: conditions(reusable), authorization: httpAuthorization(into, url) },
    job,
  )
  if (response.statusCode === 304 && reusable) {
    discard(response)
    return reusable
  }
  if (response.statusCode !== 200) {
    discard(response)
    throw downloadFailed(url, `invalid response status ${response.statusCode}`)
  }
  const file = await keep(into, url, response, task, job)
  memos.set(KIND, place, JSON.stringify(file))
  return file
}

type Response = Dispatcher.ResponseData

/** What is in it does not matter, and may have no end. */
function discard({ body }: Response): void {
  body.on('error', () => {}).destroy()
}

function conditions(known: Remembered | undefined): Record<string, string> {
  if (known?.etag) return { 'if-none-match': known.etag }
  if (known?.lastModified) return { 'if-modified-since': known.lastModified }
  return {}
}

async function keep(into: Destination, url: string, response: Response, task: string, job: Job): Promise<Remembered> {
  const total = Number(response.headers['content-length']) || undefined
  const body = counted(response.body, { url, task, total }, job)
  const { path, digest, size } = await into.store.blobs.writeTemporary(body, into.lease, job)
  into.store.blobs.adopt(path, digest, size, into.lease)
  const { etag, 'last-modified': lastModified } = response.headers
  const time = Math.floor(Date.parse(String(lastModified)) / 1000) || 0
  return {
    digest,
    size,
    time,
    ...(etag ? { etag: String(etag) } : {}),
    ...(lastModified ? { lastModified: String(lastModified) } : {}),
  }
}

async function* counted(body: Bytes, about: { url: string; task: string; total: number | undefined }, job: Job): Bytes {
  const { url, task, total } = about
  if (total !== undefined && total > LARGEST) throw downloadFailed(url, `larger than ${LARGEST} bytes`)
  let done = 0
  try {
    for await (const chunk of body) {
      done += chunk.length
      if (done > LARGEST) throw downloadFailed(url, `larger than ${LARGEST} bytes`)
      job.progress({ type: 'bytes', task, done, ...(total === undefined ? {} : { total }) })
      yield chunk
    }
  } catch (error) {
    checkCanceled(job)
    throw hasCode(error, 'DOWNLOAD_FAILED') ? error : downloadFailed(url, messageOf(error), error)
  }
  if (total !== undefined && done !== total) {
    throw downloadFailed(url, `the connection ended after ${done} of ${total} bytes`)
  }
}
