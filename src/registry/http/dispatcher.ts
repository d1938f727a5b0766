import type { Dispatcher } from 'undici'
import { directAgent, proxyAgent } from '../../host/index.ts'
import type { TlsSettings } from '../settings.ts'
import { proxyFor } from './proxy.ts'
import { secureContext } from './trust.ts'

/** How connections to a server are made. */
export interface ConnectionSettings {
  readonly tls: TlsSettings
  /** Milliseconds. */
  readonly connectTimeout?: number
}

const CONNECT_TIMEOUT = 30_000

const made = new Map<string, Promise<Dispatcher>>()

/** Connections for this URL. One pool for each way to connect, which all repositories share: handshakes are dear. */
export function dispatcherFor(
  url: URL,
  { tls, connectTimeout = CONNECT_TIMEOUT }: ConnectionSettings,
): Promise<Dispatcher> {
  const secure = url.protocol === 'https:'
  const proxy = proxyFor(url)
  const key = JSON.stringify([secure ? tls : null, proxy, connectTimeout])
  let dispatcher = made.get(key)
  if (!dispatcher) {
    dispatcher = open(secure ? tls : undefined, proxy, connectTimeout)
    made.set(key, dispatcher)
    dispatcher.catch(() => made.delete(key))
  }
  return dispatcher
}

async function open(tls: TlsSettings | undefined, proxy: string | undefined, timeout: number): Promise<Dispatcher> {
  const connect = {
    timeout,
    ...(tls ? { secureContext: secureContext(tls), rejectUnauthorized: tls.verify } : {}),
  }
  const options = { allowH2: false, keepAliveTimeout: 10_000 }
  if (proxy === undefined) return directAgent({ ...options, connect })
  return proxyAgent({ ...options, uri: proxy, requestTls: connect, proxyTls: { timeout } })
}
