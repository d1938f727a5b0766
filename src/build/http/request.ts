import { lookup } from 'node:dns'
import { isIP } from 'node:net'
import type { Dispatcher } from 'undici'
import { checkCanceled, fail, type Job, messageOf } from '../../core/index.ts'
import { isLinkLocal, judgingLookup, LinkLocalError, refusalOf } from '../../host/index.ts'
import { redactUrl } from '../url.ts'

/** What is asked of a server, and how long it may take. */
export interface FetchOptions {
  headers?: Readonly<Record<string, string>>
  /** Sent to the host of the URL, and to no other that a redirect leads to. A user name in the URL comes before it. */
  authorization?: string | undefined
  /** Milliseconds that the server may say nothing; a minute when missing. */
  silence?: number | undefined
}

/** The answer to a request; its body must be read or destroyed. */
export interface Fetched {
  response: Dispatcher.ResponseData
  /** Where the answer came from, redirects followed. */
  url: URL
  /** The addresses that its host was found to have; empty when it was one itself, or is behind a proxy. */
  addresses: readonly string[]
}

const MOST_REDIRECTS = 5
const SILENCE = 60_000
const LONGEST = 6 * 3600_000

/**
 * Asks for a URL. Redirects are followed, a few; credentials do not go to another host. Addresses that only mean
 * something on this machine's link (169.254.0.0/16, fe80::/10: cloud metadata) are refused when the connection is made,
 * whatever name leads to them. Proxies of the environment are used. Fails with `DOWNLOAD_FAILED`.
 */
export async function fetchUrl(url: string, options: FetchOptions, job: Job): Promise<Fetched> {
  let at = addressOf(url, undefined, url)
  const first = at
  for (let redirects = 0; ; redirects++) {
    if (redirects > MOST_REDIRECTS) throw downloadFailed(url, `more than ${MOST_REDIRECTS} redirects`)
    const response = await send(at, url, { ...options, authorization: credentialsFor(at, first, options) }, job)
    const location = response.headers['location']
    if (!REDIRECTS.has(response.statusCode) || !location) {
      return { response, url: at, addresses: found.get(at.hostname) ?? [] }
    }
    response.body.on('error', () => {}).destroy()
    at = addressOf(String(location), at, url)
  }
}

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

function addressOf(text: string, base: URL | undefined, url: string): URL {
  if (!URL.canParse(text, base?.href)) throw downloadFailed(url, 'that is no address')
  const at = new URL(text, base)
  if (!/^https?:$/.test(at.protocol)) throw downloadFailed(url, `cannot fetch ${at.protocol} addresses`)
  if (isLinkLocal(at.hostname)) throw refused(url, at.hostname, at.hostname.replace(/^\[|\]$/g, ''))
  return at
}

function credentialsFor(at: URL, first: URL, { authorization }: FetchOptions): string | undefined {
  if (at.username) {
    return `Basic ${Buffer.from(`${decodeURIComponent(at.username)}:${decodeURIComponent(at.password)}`).toString('base64')}`
  }
  const isSameHost = at.host === first.host && (at.protocol === first.protocol || at.protocol === 'https:')
  return isSameHost ? authorization : undefined
}

async function send(at: URL, url: string, options: FetchOptions, job: Job): Promise<Dispatcher.ResponseData> {
  const { headers = {}, authorization, silence = SILENCE } = options
  const target = new URL(at)
  target.username = ''
  target.password = ''
  const timeout = AbortSignal.timeout(LONGEST)
  try {
    // loaded here: most builds download nothing, and it is the largest library there is
    const { request } = await import('undici')
    return await request(target, {
      dispatcher: await dispatcher(),
      headers: {
        'user-agent': 'slipway',
        'accept-encoding': 'identity',
        ...headers,
        ...(authorization === undefined ? {} : { authorization }),
      },
      headersTimeout: silence,
      bodyTimeout: silence,
      signal: job.signal ? AbortSignal.any([job.signal, timeout]) : timeout,
    })
  } catch (error) {
    checkCanceled(job)
    if (error instanceof LinkLocalError) throw refused(url, at.hostname, error.address)
    throw downloadFailed(url, messageOf(error), error)
  }
}

let shared: Promise<Dispatcher> | undefined

/** One for all: connections that are still good are used again. */
function dispatcher(): Promise<Dispatcher> {
  shared ??= import('undici').then(
    ({ EnvHttpProxyAgent }) => new EnvHttpProxyAgent({ connect: { lookup: judgingLookup(remember), timeout: 30_000 } }),
  )
  return shared
}

/** What names were found to mean, when a connection was last made. */
const found = new Map<string, readonly string[]>()

function remember(host: string, addresses: readonly string[]): void {
  found.set(host, addresses)
}

/** Judges a host that another program will connect to; `shown` is for the message. Fails with `DOWNLOAD_FAILED`. */
export async function refuseHost(host: string, shown: string): Promise<void> {
  const plain = host.replace(/^\[|\]$/g, '')
  const addresses = await new Promise<readonly { address: string }[]>((resolve) => {
    if (isIP(plain)) resolve([{ address: plain }])
    else lookup(plain, { all: true }, (error, all) => resolve(error ? [] : all))
  })
  const refusal = refusalOf(addresses)
  if (refusal) throw refused(shown, host, refusal.address)
}

function refused(url: string, host: string, address: string): Error {
  return downloadFailed(url, `${host} is the link-local address ${address}, which is refused`)
}

/** `DOWNLOAD_FAILED`, with the URL but no password. */
export function downloadFailed(url: string, why: string, cause?: unknown): Error {
  return fail('DOWNLOAD_FAILED', `cannot download ${redactUrl(url)}: ${why}`, { cause })
}
