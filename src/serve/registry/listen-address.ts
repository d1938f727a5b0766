import { fail } from '../../core/index.ts'

/** Where a server listens. */
export interface ListenAddress {
  /** Empty for all addresses. */
  readonly host: string
  /** 0 takes a free one. */
  readonly port: number
}

/** A host, in brackets where it has colons, and a port. */
const ADDRESS = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]*)):(\d{1,5})$/

/** Reads `HOST:PORT`; an IPv6 address stands in brackets. `undefined` when it is none. */
export function parseListenAddress(text: string): ListenAddress | undefined {
  const [whole, address, name, port] = ADDRESS.exec(text) ?? []
  if (whole === undefined || Number(port) > 65_535) return undefined
  return { host: address ?? name!, port: Number(port) }
}

/** The same. Fails with `REGISTRY_CONFIG_INVALID`. */
export function requireListenAddress(text: string): ListenAddress {
  const address = parseListenAddress(text)
  if (address) return address
  throw fail('REGISTRY_CONFIG_INVALID', `${JSON.stringify(text)} is no address to listen at: it must be HOST:PORT`, {
    hint: 'such as 127.0.0.1:5000, [::1]:5000, or 0.0.0.0:5000 for all addresses.',
  })
}
