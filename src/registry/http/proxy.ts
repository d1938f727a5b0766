import { BlockList, isIP } from 'node:net'
import { fail } from '../../core/index.ts'

/**
 * The proxy that the environment names for this URL, by the rules of Go's programs (golang.org/x/net/http/httpproxy):
 * `HTTPS_PROXY` or `HTTP_PROXY`, in either case of letters; `NO_PROXY` lists hosts, domains, addresses, networks, each
 * with a port perhaps, or `*`. This machine itself is never asked through a proxy. Fails with `REGISTRY_CONFIG_INVALID`.
 */
export function proxyFor(url: URL, env: NodeJS.ProcessEnv = process.env): string | undefined {
  const name = url.protocol === 'https:' ? 'HTTPS_PROXY' : 'HTTP_PROXY'
  const proxy = variable(env, name)
  const host = url.hostname.replace(/^\[|\]$/g, '').toLowerCase()
  if (!proxy || isLoopback(host)) return undefined
  const port = url.port || (url.protocol === 'https:' ? '443' : '80')
  if ((variable(env, 'NO_PROXY') ?? '').split(',').some((entry) => covers(entry.trim().toLowerCase(), host, port))) {
    return undefined
  }
  const address = proxy.includes('://') ? proxy : `http://${proxy}`
  if (URL.canParse(address) && /^(?:https?|socks5h?):$/.test(new URL(address).protocol)) return address
  // it may hold a password
  throw fail('REGISTRY_CONFIG_INVALID', `the proxy that ${name} names is no address of a proxy`, {
    hint: `it is to be like http://proxy.example.com:3128; what NO_PROXY lists is asked without it.`,
  })
}

/** Whether a host name or address is this machine. */
export function isLoopback(host: string): boolean {
  if (host === 'localhost') return true
  return isIP(host) === 4 ? host.startsWith('127.') : host === '::1'
}

function variable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name] || env[name.toLowerCase()]
}

function covers(entry: string, host: string, port: string): boolean {
  if (entry === '*') return true
  if (entry === '') return false
  if (entry.includes('/')) return isIP(host) !== 0 && networkHas(entry, host)
  const { name, only } = splitPort(entry)
  if (only !== undefined && only !== port) return false
  if (isIP(name)) return name === host
  const domain = name.replace(/^\*?\./, '')
  const isDomain = host.endsWith(`.${domain}`)
  // ".example.com" is only what lies below it
  return name === domain ? host === domain || isDomain : isDomain
}

function splitPort(entry: string): { name: string; only?: string } {
  const match = /^(?:\[([^\]]*)\]|([^:]*)):(\d+)$/.exec(entry)
  if (match) return { name: match[1] ?? match[2]!, only: match[3]! }
  return { name: entry.replace(/^\[|\]$/g, '') }
}

function networkHas(network: string, address: string): boolean {
  const [base = '', bits = ''] = network.split('/')
  const family = isIP(base)
  if (family === 0 || !/^\d{1,3}$/.test(bits) || Number(bits) > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(base, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return list.check(address, isIP(address) === 4 ? 'ipv4' : 'ipv6')
}
