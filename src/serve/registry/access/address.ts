import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'

/**
 * The address a request comes from: that of the connection, and behind proxies that are believed, the last address in
 * `X-Forwarded-For` that is not one of theirs. Anybody can write the entries before it.
 */
export function clientAddress(request: IncomingMessage, isProxy: (address: string) => boolean): string {
  let address = plainAddress(request.socket.remoteAddress ?? '')
  if (!isProxy(address)) return address
  const header = request.headers['x-forwarded-for']
  const hops = (Array.isArray(header) ? header.join(',') : (header ?? '')).split(',')
  for (const hop of hops.reverse().slice(0, 20)) {
    const before = plainAddress(hop.trim())
    if (isIP(before) === 0) return address
    address = before
    if (!isProxy(address)) return address
  }
  return address
}

/** IPv4 addresses as such, also where they come through a socket of both versions. */
function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && isIP(address.slice(7)) === 4 ? address.slice(7) : address
}

/** Where the caller reaches this server, for the challenge: by the `Host` it asked for, as no name of ours is known. */
export function originOf(request: IncomingMessage, isProxy: (address: string) => boolean): string {
  const { socket, headers } = request
  const forwarded = isProxy(plainAddress(socket.remoteAddress ?? '')) ? headers['x-forwarded-proto'] : undefined
  const isTls = 'encrypted' in socket || forwarded === 'https'
  const host = headers.host
  const isHost = host !== undefined && /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]+)(?::\d{1,5})?$/.test(host)
  return `${isTls ? 'https' : 'http'}://${isHost ? host : localAddress(request)}`
}

function localAddress({ socket: { localAddress: address = '127.0.0.1', localPort } }: IncomingMessage): string {
  return isIP(address) === 6 ? `[${address}]:${localPort}` : `${address}:${localPort}`
}
