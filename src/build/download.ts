import { lookup } from 'node:dns/promises'
import { isIPv4, isIPv6 } from 'node:net'
import type { Dispatcher } from 'undici'
import { type Bytes, checkCanceled, type Digest, fail, type Job, messageOf } from '../core/index.ts'
import type { Lease, Store } from '../store/index.ts'
import { redactUrl } from './url.ts'

/** A downloaded file; its content is a blob that the build holds. */
export interface Downloaded {
  digest: Digest
  /** Bytes. */
  size: number
  /** Last-Modified as Unix seconds, 0 when the server does not say. */
  time: number
}

/** Where a download goes, and what protects it there. */
export interface Destination {
  store: Store
  lease: Lease
}

interface Remembered extends Downloaded {
  etag?: string
  lastModified?: string
}

const KIND = 'download'
const MOST_REDIRECTS = 5
const LARGEST = 16 * 2 ** 30
const TIMEOUT = 60_000

/**
 * Fetches a URL into the store. One that was fetched before is asked for with its ETag or date, and not transferred
 * again while it holds. Addresses that only mean something on this machine's link (169.254.0.0/16, fe80::/10: cloud
 * metadata) are refused, also behind redirects. Fails with `DOWNLOAD_FAILED`.
 */
export async function download(into: Destination, url: string, task: string, job: Job): Promise<Downloaded> {
  const { memos, blobs } = into.store
  const known = JSON.parse(memos.getText(KIND, url) ?? 'null') as Remembered | null
  if (known) into.lease.hold([known.digest])
  const reusable = known && blobs.has(known.digest) ? known : undefined
  const response = await fetchFollowing(url, conditions(reusable), job)
  if (response.statusCode === 304 && reusable) {
    await response.body.dump()
    return reusable
  }
  if (response.statusCode !== 200) {
    await response.body.dump()
    throw failed(url, `invalid response status ${response.statusCode}`)
  }
  const file = await keep(into, url, response, task, job)
  memos.set(KIND, url, JSON.stringify(file))
  return file
}

type Response = Dispatcher.ResponseData

function conditions(known: Remembered | undefined): Record<string, string> {
  if (known?.etag) return { 'if-none-match': known.etag }
  if (known?.lastModified) return { 'if-modified-since': known.lastModified }
  return {}
}

async function fetchFollowing(url: string, headers: Record<string, string>, job: Job): Promise<Response> {
  let at = new URL(url)
  for (let redirects = 0; ; redirects++) {
    if (redirects > MOST_REDIRECTS) throw failed(url, `more than ${MOST_REDIRECTS} redirects`)
    if (!['http:', 'https:'].includes(at.protocol)) throw failed(url, `cannot fetch ${at.protocol} addresses`)
    await refuseLinkLocal(at, url)
    const response = await send(at, url, headers, job)
    const location = response.headers['location']
    if (response.statusCode < 301 || response.statusCode > 308 || response.statusCode === 304 || !location)
      return response
    await response.body.dump()
    at = new URL(String(location), at)
  }
}

async function send(at: URL, url: string, headers: Record<string, string>, job: Job): Promise<Response> {
  const credentials = at.username ? { authorization: `Basic ${basic(at)}` } : {}
  const target = new URL(at)
  target.username = ''
  target.password = ''
  // loaded here: most builds download nothing, and it is the largest library there is
  const { request } = await import('undici')
  try {
    return await request(target, {
      headers: { 'user-agent': 'slipway', 'accept-encoding': 'identity', ...headers, ...credentials },
      headersTimeout: TIMEOUT,
      bodyTimeout: TIMEOUT,
      ...(job.signal ? { signal: job.signal } : {}),
    })
  } catch (error) {
    checkCanceled(job)
    throw failed(url, messageOf(error), error)
  }
}

function basic(url: URL): string {
  return Buffer.from(`${decodeURIComponent(url.username)}:${decodeURIComponent(url.password)}`).toString('base64')
}

async function refuseLinkLocal(at: URL, url: string): Promise<void> {
  const host = at.hostname.replace(/^\[|\]$/g, '')
  const known = isIPv4(host) || isIPv6(host)
  const addresses = known ? [host] : (await lookup(host, { all: true }).catch(() => [])).map((found) => found.address)
  const refused = addresses.find((address) => /^(169\.254\.|fe[89ab][0-9a-f]:|::ffff:169\.254\.)/i.test(address))
  if (refused) throw failed(url, `${at.hostname} is the link-local address ${refused}, which is refused`)
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
  let done = 0
  try {
    for await (const chunk of body) {
      done += chunk.length
      if (done > LARGEST) throw failed(url, `larger than ${LARGEST} bytes`)
      job.progress({ type: 'bytes', task, done, ...(total === undefined ? {} : { total }) })
      yield chunk
    }
  } catch (error) {
    checkCanceled(job)
    throw error instanceof Error && error.name === 'SlipwayError' ? error : failed(url, messageOf(error), error)
  }
  if (total !== undefined && done !== total) throw failed(url, `the connection ended after ${done} of ${total} bytes`)
}

function failed(url: string, why: string, cause?: unknown): Error {
  return fail('DOWNLOAD_FAILED', `cannot download ${redactUrl(url)}: ${why}`, { cause })
}
