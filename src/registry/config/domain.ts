import { BlockList, isIP, isIPv6 } from 'node:net'
import { fail } from '../../core/index.ts'

/** Docker Hub, as references name it. */
export const DOCKER_HUB = 'docker.io'

/** The key of Docker Hub in config.json, and its name for credential helpers. */
export const DOCKER_HUB_KEY = 'https://index.docker.io/v1/'

/** Keys under which Docker keeps what its login in a browser left. They are no credentials for registries. */
const DOCKER_HUB_TOKENS = ['access-token', 'refresh-token'].map((name) => DOCKER_HUB_KEY + name)

/** The host that serves Docker Hub's repositories. */
const DOCKER_HUB_SERVER = 'registry-1.docker.io'

const DOCKER_HUB_NAMES = [DOCKER_HUB, 'index.docker.io', DOCKER_HUB_SERVER]

/** One name for each registry: the hosts of Docker Hub are all `docker.io`. */
export function registryName(host: string): string {
  return DOCKER_HUB_NAMES.includes(host) ? DOCKER_HUB : host
}

/** The host, with its port if it has one, that requests for a registry go to. */
export function serverOf(registry: string): string {
  return registry === DOCKER_HUB ? DOCKER_HUB_SERVER : registry
}

/** A host without its port, and without the brackets of an IPv6 address. */
export function hostnameOf(host: string): string {
  const bracketed = /^\[([^\]]*)\](?::\d+)?$/.exec(host)
  if (bracketed) return bracketed[1]!
  return isIPv6(host) ? host : host.replace(/:\d+$/, '')
}

const LOOPBACK = new BlockList()
LOOPBACK.addSubnet('127.0.0.0', 8, 'ipv4')
LOOPBACK.addAddress('::1', 'ipv6')

/** Whether a host is this machine by its name alone. */
export function isLoopback(host: string): boolean {
  const name = hostnameOf(host).toLowerCase()
  const family = isIP(name)
  if (family === 0) return name === 'localhost' || name.endsWith('.localhost')
  return LOOPBACK.check(name, family === 6 ? 'ipv6' : 'ipv4')
}

/**
 * The registry, or repository of one, that a key of config.json or auth.json stands for. A key with a scheme is the
 * address of a registry, and its path means nothing (`https://index.docker.io/v1/`); without one the path counts.
 */
export function authKeyName(key: string): string {
  if (DOCKER_HUB_TOKENS.includes(key)) return key
  const address = /^https?:\/\/([^/]*)/.exec(key)
  if (address) return registryName(address[1]!)
  const slash = key.indexOf('/')
  return slash < 0 ? registryName(key) : registryName(key.slice(0, slash)) + key.slice(slash).replace(/\/+$/, '')
}

/** The names that credentials for a repository may be kept under, the most specific first. */
export function credentialNames(registry: string, path?: string): string[] {
  const host = registryName(registry)
  const parts = path === undefined || path === '' ? [] : path.split('/')
  return [...parts.map((_, index) => [host, ...parts.slice(0, parts.length - index)].join('/')), host]
}

/** What a registry is called in config.json and by credential helpers. */
export function credentialKey(registry: string): string {
  const name = registryName(registry)
  return name === DOCKER_HUB ? DOCKER_HUB_KEY : name
}

/** Whether a text is the address of a server, with a path at most: no user, query or fragment. */
export function isServerAddress(text: string): boolean {
  return /^https?:\/\/[^\s?#@\\]+$/.test(text) && URL.canParse(text)
}

/** The host of a server's address as it is written: `URL` would leave out the port 443. */
export function hostOf(address: string): string {
  return /^https?:\/\/([^/]*)/.exec(address)?.[1] ?? ''
}

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/

/**
 * The registry that a user means by the server of `login`: a host, or the address of one, whose path says nothing. No
 * server is Docker Hub. Fails with `REFERENCE_INVALID`.
 */
export function registryOfServer(server: string | undefined): string {
  if (!server) return DOCKER_HUB
  const host = server.replace(/^https?:\/\//, '').split('/', 1)[0]!
  if (HOST.test(host)) return registryName(host)
  throw fail('REFERENCE_INVALID', `invalid registry: ${JSON.stringify(server.slice(0, 300))} is not a host`)
}
