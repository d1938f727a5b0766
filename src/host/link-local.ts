import { type LookupAddress, lookup } from 'node:dns'
import { BlockList, isIP, type LookupFunction } from 'node:net'

/** A host turned out to be an address that only means something on this machine's link: cloud metadata is there. */
export class LinkLocalError extends Error {
  readonly address: string

  constructor(address: string) {
    super(`link-local address ${address}`)
    this.address = address
  }
}

const LINK_LOCAL = new BlockList()
LINK_LOCAL.addSubnet('169.254.0.0', 16)
LINK_LOCAL.addSubnet('fe80::', 10, 'ipv6')
// the same by way of NAT64 (RFC 6052), and the metadata service of AWS for IPv6
LINK_LOCAL.addSubnet('64:ff9b::a9fe:0', 112, 'ipv6')
LINK_LOCAL.addAddress('fd00:ec2::254', 'ipv6')

/** Whether a host, as it stands in a URL or with a zone, is a link-local address; names are not looked up. */
export function isLinkLocal(host: string): boolean {
  const plain = host.replace(/^\[|\]$/g, '').replace(/%.*$/, '')
  const family = isIP(plain)
  return family !== 0 && LINK_LOCAL.check(plain, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * Looks names up for connections, and refuses those with a link-local address by a `LinkLocalError`. What is judged is
 * what is connected to: a name cannot mean something else a moment later. `onFound` hears what other names mean.
 */
export function judgingLookup(
  onFound: (host: string, addresses: readonly string[]) => void = () => {},
): LookupFunction {
  return (host, options, callback) => {
    lookup(host, { ...options, all: true }, (error, addresses) => {
      const refusal = error ?? refusalOf(addresses)
      if (refusal) return callback(refusal, '')
      const known = addresses.map(({ address }) => address)
      onFound(host, known)
      const [one] = addresses
      if (options.all) callback(null, addresses)
      else callback(null, one?.address ?? '', one?.family)
    })
  }
}

/** Why a name with these addresses is refused, if it is: one link-local address among them is enough. */
export function refusalOf(addresses: readonly Pick<LookupAddress, 'address'>[]): LinkLocalError | undefined {
  const bad = addresses.find(({ address }) => isLinkLocal(address))
  return bad && new LinkLocalError(bad.address)
}
