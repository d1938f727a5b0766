import { fail } from '../../core/index.ts'
import type { RegistryEndpoint, RepositoryName } from '../settings.ts'
import { readAuthFile } from './auth-file.ts'
import { readCertificates } from './certificates.ts'
import { findCredentials } from './credentials.ts'
import { readDaemonSettings } from './daemon-json.ts'
import { DOCKER_HUB, hostOf, registryName, serverOf } from './domain.ts'
import { type ConfiguredHost, type ConfiguredHosts, readHosts } from './hosts-toml.ts'
import { type InsecureCheck, insecureCheck } from './insecure.ts'
import type { Places, SettingsOptions } from './places.ts'
import { type RegistryRule, readRegistriesConf } from './registries-conf.ts'
import { findRule, rewriteName } from './registry-rule.ts'

/** What all endpoints of a repository are made with. */
interface Maker {
  readonly places: Places
  readonly isInsecure: InsecureCheck
  /** Headers of config.json that are meant for registries. */
  readonly headers: Readonly<Record<string, string>>
  /** The registry that was asked for. */
  readonly domain: string
  readonly env: NodeJS.ProcessEnv
}

/** One endpoint, as far as it is not as usual. */
interface Wanted {
  url: string
  repository: string
  isMirror?: boolean
  insecure?: boolean
  host?: ConfiguredHost
  resolves?: boolean
  /** It is the registry itself, of which this machine knows another address. */
  isRenamed?: boolean
}

/**
 * The servers that may answer for a repository. The first of these that says something about it decides: the
 * `hosts.toml` of its registry, a `[[registry]]` of registries.conf, `registry-mirrors` of daemon.json (for Docker Hub),
 * the `hosts.toml` of all others. `itself` leaves these out. What registries.conf blocks stays blocked.
 * Fails with `REGISTRY_BLOCKED` and `REGISTRY_CONFIG_INVALID`.
 */
export async function findEndpoints(
  repository: RepositoryName,
  places: Places,
  options: SettingsOptions & { itself?: boolean },
): Promise<RegistryEndpoint[]> {
  const domain = registryName(repository.domain)
  const named = { domain, path: repository.path }
  const name = repository.path === '' ? domain : `${domain}/${repository.path}`
  const rule = findRule(readRegistriesConf(places).rules, name)
  if (rule?.blocked) {
    throw fail('REGISTRY_BLOCKED', `registry ${rule.prefix} is blocked in ${rule.file}`, {
      data: { registry: domain, file: rule.file },
    })
  }
  const daemon = readDaemonSettings(places.daemon)
  const { insecure = false, env = process.env, itself = false } = options
  const listed = insecure === true ? 'all' : [...daemon.insecure, ...(insecure === false ? [] : insecure)]
  const maker: Maker = { places, domain, env, isInsecure: insecureCheck(listed), headers: metaHeaders(places) }
  if (itself) return [await endpoint(maker, { url: urlOf(domain), repository: named.path })]
  const hosts = readHosts(places.hosts, domain)
  if (hosts) return await fromHosts(maker, hosts, named, true)
  if (rule) return await fromRule(maker, rule, name)
  const mirrors = domain === DOCKER_HUB ? daemon.mirrors : []
  const others = mirrors.length === 0 ? readHosts(places.hosts, 'fallback') : undefined
  if (others) return await fromHosts(maker, others, named, false)
  return await Promise.all([
    ...mirrors.map((url) => endpoint(maker, { url: `${url}/v2`, repository: named.path, isMirror: true })),
    endpoint(maker, { url: urlOf(domain), repository: named.path }),
  ])
}

function urlOf(registry: string): string {
  return `https://${serverOf(registry)}/v2`
}

function fromHosts(
  maker: Maker,
  { mirrors, server }: ConfiguredHosts,
  { path }: RepositoryName,
  isRenamed: boolean,
): Promise<RegistryEndpoint[]> {
  const own = urlOf(maker.domain)
  const before = mirrors.map((host): Wanted => {
    const { url = own } = host
    return { url, repository: path, host, isMirror: url !== own }
  })
  const last: Wanted = { url: server.url ?? own, repository: path, host: server, isRenamed }
  // a registry that is named among its own mirrors need not be asked again, unless there it cannot be pushed to
  const isKnown = before.some(({ url, host }) => url === last.url && host?.can.push)
  return Promise.all([...before, ...(isKnown ? [] : [last])].map((each) => endpoint(maker, each)))
}

function fromRule(maker: Maker, rule: RegistryRule, name: string): Promise<RegistryEndpoint[]> {
  const mirrors = rule.mirrors.map((mirror): Wanted => {
    const { domain, path } = rewriteName(name, rule, mirror.location)
    const { insecure, digestOnly } = mirror
    return { url: urlOf(domain), repository: path, isMirror: true, insecure, resolves: !digestOnly }
  })
  const { domain, path } = rewriteName(name, rule, rule.location)
  const own: Wanted = { url: urlOf(domain), repository: path, insecure: rule.insecure, isRenamed: true }
  return Promise.all([...mirrors, own].map((each) => endpoint(maker, each)))
}

async function endpoint(maker: Maker, wanted: Wanted): Promise<RegistryEndpoint> {
  const { url, repository, host, isMirror = false, resolves = true } = wanted
  const address = hostOf(url)
  const registry = registryName(address)
  const insecure = wanted.insecure === true || (await maker.isInsecure(registry))
  const files = readCertificates(maker.places.certificates, [...new Set([address, registry])])
  const client = host?.client ?? files.client
  const can = host?.can ?? { pull: true, resolve: resolves, push: !isMirror }
  return {
    url,
    repository,
    allowsPlainHttp: insecure || url.startsWith('http:'),
    can,
    isMirror,
    ...(isMirror || (host && registry !== maker.domain) ? { namespace: maker.domain } : {}),
    tls: {
      ca: [...(host?.ca ?? []), ...files.ca],
      ...(client ? { client } : {}),
      verify: !insecure && host?.skipVerify !== true,
    },
    headers: { ...maker.headers, ...host?.headers },
    registry: wanted.isRenamed ? await keptUnder(maker, registry, repository) : registry,
    ...(host?.connectTimeout === undefined ? {} : { connectTimeout: host.connectTimeout }),
  }
}

/**
 * The name under which credentials are kept for a registry that has another address: the address, where there are any,
 * for that is where podman and containerd look; else the name that users log in to. What is kept for Docker Hub goes to
 * Docker Hub alone: others that answer for it are caches.
 */
async function keptUnder({ places, domain, env }: Maker, registry: string, path: string): Promise<string> {
  if (registry === domain || domain === DOCKER_HUB) return registry
  return (await findCredentials({ registry, path }, places, env)) ? registry : domain
}

const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Docker passes those of `HttpHeaders` on to registries that begin with `X-Meta-`. */
function metaHeaders(places: Places): Record<string, string> {
  const all = Object.entries(readAuthFile(places.dockerConfig)?.document.HttpHeaders ?? {})
  return Object.fromEntries(
    all.filter(([name, value]) => /^X-Meta-[A-Za-z0-9-]+$/i.test(name) && HEADER_VALUE.test(value)),
  )
}
