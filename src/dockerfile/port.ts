import { isIP } from 'node:net'
import { fail, quoteGo } from '../core/index.ts'

const PROTOCOLS = ['tcp', 'udp', 'sctp']

/**
 * The container ports of one word of EXPOSE: `80`, `80-82/udp`, also with host ports and an address in front
 * (`[::1]:8080:80`), which are checked and dropped. Gives `80/tcp` and the like; a range gives one for each port.
 * Fails with `PORT_INVALID` and Docker's words.
 */
export function parsePorts(spec: string): string[] {
  const { address, hostPorts, ports, protocol } = splitPort(spec)
  checkAddress(address)
  const range = parseRange(ports, 'containerPort')
  if (hostPorts !== '') checkHostRange(hostPorts, ports, range)
  const suffix = `/${protocol.toLowerCase() || 'tcp'}`
  return Array.from({ length: range.last - range.first + 1 }, (_, i) => `${range.first + i}${suffix}`)
}

/** The parts of a word of EXPOSE, as written; what is not there is `''`. */
export interface PortSpec {
  readonly address: string
  readonly hostPorts: string
  readonly ports: string
  readonly protocol: string
}

/** Takes a word of EXPOSE apart. Fails with `PORT_INVALID` when it has no port, or a protocol that is none. */
export function splitPort(spec: string): PortSpec {
  const { ip, host, container } = splitSpec(spec)
  const slash = container.indexOf('/')
  const ports = slash < 0 ? container : container.slice(0, slash)
  const protocol = slash < 0 ? '' : container.slice(slash + 1)
  if (ports === '') throw fail('PORT_INVALID', `invalid port: ${quoteGo(spec)}: no port specified`)
  if (protocol !== '' && !PROTOCOLS.includes(protocol.toLowerCase())) {
    throw fail('PORT_INVALID', `invalid port: ${quoteGo(spec)}: invalid proto: ${protocol}`)
  }
  return { address: ip, hostPorts: host, ports, protocol }
}

interface PortRange {
  first: number
  last: number
}

/** The last two parts are ports; whatever stands before them is an address, which may have colons itself. */
function splitSpec(spec: string): { ip: string; host: string; container: string } {
  const parts = spec.split(':')
  const container = parts.pop()!
  const host = parts.pop() ?? ''
  return { ip: parts.join(':'), host, container }
}

function checkAddress(ip: string): void {
  if (ip === '') return
  let address = ip
  if (ip.startsWith('[')) {
    const close = ip.indexOf(']')
    const fault = close < 0 ? "missing ']' in address" : close < ip.length - 1 ? 'missing port in address' : undefined
    if (fault) throw fail('PORT_INVALID', `invalid IP address ${ip}: address ${ip}:: ${fault}`)
    address = ip.slice(1, -1)
    if (address === '') return
  }
  if (isIP(address) === 0 || address.includes('%')) throw fail('PORT_INVALID', `invalid IP address: ${address}`)
}

/** A range of host ports is as long as that of the container, unless the container has one port to be put into it. */
function checkHostRange(host: string, container: string, range: PortRange): void {
  const hostRange = parseRange(host, 'hostPort')
  const length = range.last - range.first
  if (length !== 0 && hostRange.last - hostRange.first !== length) {
    const message = `invalid ranges specified for container and host Ports: ${container} and ${host}`
    throw fail('PORT_INVALID', message)
  }
}

function parseRange(text: string, what: string): PortRange {
  const match = /^(\+?[0-9]{1,20})(?:-(\+?[0-9]{1,20}))?$/.exec(text)
  const first = Number(match?.[1])
  const last = Number(match?.[2] ?? match?.[1])
  if (!match || last > 65535 || first > last) throw fail('PORT_INVALID', `invalid ${what}: ${text}`)
  return { first, last }
}
