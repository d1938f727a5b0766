import type { Dispatcher } from 'undici'
import { judgingLookup } from '../../host/index.ts'
import type { TlsSettings } from '../settings.ts'
import { proxyFor } from './proxy.ts'
import { secureContext } from './trust.ts'

/** How connections to a server are made. */
export interface ConnectionSettings {
  readonly tls: TlsSettings
  /** Milliseconds. */
  readonly connectTimeout?: number
  /** The host that the user named; all others were named by servers, and must not be link-local addresses. */
  readonly named?: string
}

const CONNECT_TIMEOUT = 30_000

const made = new Map<string, Promise<Dispatcher>>()

/** Connections for this URL. One pool for each way to connect, which all repositories share: handshakes are dear. */
export function dispatcherFor(
  url: URL,
  { tls, connectTimeout = CONNECT_TIMEOUT, named }: ConnectionSettings,
): Promise<Dispatcher> {
  const secure = url.protocol === 'https:'
  const proxy = proxyFor(url)
  const isStrange = named !== url.hostname
  const key = JSON.stringify([secure ? tls : null, proxy, connectTimeout, isStrange])
  let dispatcher = made.get(key)
  if (!dispatcher) {
    dispatcher = open(secure ? tls : undefined, proxy, { timeout: connectTimeout, isStrange })
    made.set(key, dispatcher)
    dispatcher.catch(() => made.delete(key))
  }
  return dispatcher
}

async function open(
  tls: TlsSettings | undefined,
  proxy: string | undefined,
  { timeout, isStrange }: { timeout: number; isStrange: boolean },
): Promise<Dispatcher> {
  // loaded here: most commands ask no registry, and it is the largest library there is
  const { Agent, ProxyAgent } = await import('undici')
  const connect = {
    timeout,
    ...(isStrange ? { lookup: judgingLookup() } : {}),
    ...(tls ? { secureContext: secureContext(tls), rejectUnauthorized: tls.verify } : {}),
  }
  const options = { allowH2: false, keepAliveTimeout: 10_000 }
  if (proxy === undefined) return new Agent({ ...options, connect })
  return new ProxyAgent({ ...options, uri: proxy, requestTls: connect, proxyTls: { timeout } })
}
