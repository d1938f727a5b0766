import { Readable } from 'node:stream'
import { type Bytes, checkCanceled, fail, type Job, programVersion } from '../../core/index.ts'
import { isLinkLocal, LinkLocalError } from '../../host/index.ts'
import { type ConnectionSettings, dispatcherFor } from './dispatcher.ts'
import { connectionFailure, shown } from './failure.ts'

/** One request as it goes to a server. */
export interface Outgoing {
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: URL
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes, or a function that gives them anew for each try. */
  readonly body?: Uint8Array | (() => Bytes)
  /** Milliseconds that the server may say nothing. */
  readonly silence?: number
}

/** The answer; its body must be read to the end or destroyed. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: Readable
  /** Where it came from, redirects followed. */
  readonly url: URL
}

const SILENCE = 60_000

/**
 * Sends one request. Answers of any status are returned; fails with a `ConnectionFailure`, with `CANCELED`, and with
 * `REGISTRY_INVALID_ANSWER` where a server named a link-local address.
 */
export async function send(outgoing: Outgoing, settings: ConnectionSettings, job: Job): Promise<Answer> {
  const { method, url, headers, body, silence = SILENCE } = outgoing
  checkCanceled(job)
  if (settings.named !== url.hostname && isLinkLocal(url.hostname)) throw refused(url, url.hostname)
  const dispatcher = await dispatcherFor(url, settings)
  try {
    const { request } = await import('undici')
    const response = await request(url, {
      dispatcher,
      method,
      headers: { 'user-agent': `slipway/${programVersion()}`, 'accept-encoding': 'identity', ...headers },
      ...(body === undefined
        ? {}
        : { body: typeof body === 'function' ? Readable.from(body(), { objectMode: false }) : body }),
      headersTimeout: silence,
      bodyTimeout: silence,
      ...(job.signal ? { signal: job.signal } : {}),
    })
    return { status: response.statusCode, headers: response.headers, body: response.body, url }
  } catch (error) {
    checkCanceled(job)
    if (error instanceof LinkLocalError) throw refused(url, error.address)
    throw connectionFailure(error, method, url)
  }
}

/** Cloud metadata is there, which answers whoever asks from this machine. */
function refused(url: URL, address: string): Error {
  const what = `the registry led to ${shown(url)}, where ${address} is a link-local address, which is refused`
  return fail('REGISTRY_INVALID_ANSWER', what)
}
