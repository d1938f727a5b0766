import { lookup } from 'node:dns/promises'
import { BlockList, isIP } from 'node:net'
import { DOCKER_HUB, hostnameOf, isLoopback } from './domain.ts'

/** Tells registries that need not prove who they are, and may speak plain HTTP. */
export type InsecureCheck = (host: string) => Promise<boolean>

/** Longer than a name server takes that answers at all. */
const LOOKUP_TIMEOUT = 2000

/**
 * Docker's rule: loopback addresses, hosts that are listed with their ports, and hosts with an address in one of the
 * networks that are listed.
 */
export function insecureCheck(listed: readonly string[] | 'all'): InsecureCheck {
  if (listed === 'all') return async () => true
  const networks = new BlockList()
  networks.addSubnet('127.0.0.0', 8, 'ipv4')
  networks.addAddress('::1', 'ipv6')
  const hosts = new Set(listed.filter((each) => !addNetwork(networks, each)))
  return async (host) =>
    hosts.has(host) || isLoopback(host) || (host !== DOCKER_HUB && (await isWithin(networks, hostnameOf(host))))
}

function addNetwork(networks: BlockList, text: string): boolean {
  const [address = '', bits = ''] = text.split('/')
  const family = isIP(address)
  if (family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false
  networks.addSubnet(address, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return true
}

async function isWithin(networks: BlockList, hostname: string): Promise<boolean> {
  const addresses = isIP(hostname) === 0 ? await addressesOf(hostname) : [hostname]
  return addresses.some((address) => networks.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6'))
}

/** All addresses of a name; none where it has none, or the name server is not heard of. */
async function addressesOf(hostname: string): Promise<string[]> {
  const found = lookup(hostname, { all: true }).then(
    (all) => all.map(({ address }) => address),
    () => [],
  )
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), LOOKUP_TIMEOUT)
  })
  try {
    return await Promise.race([found, late])
  } finally {
    clearTimeout(timer)
  }
}
