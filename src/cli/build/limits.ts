import { fail } from '../../core/index.ts'
import { parseMemorySize } from '../../dockerfile/index.ts'
import type { Resources, Ulimit } from '../../engine/index.ts'

const ULIMITS = 'core cpu data fsize locks memlock msgqueue nice nofile nproc rss rtprio rttime sigpending stack'.split(
  ' ',
)

/** `--ulimit NAME=SOFT[:HARD]`, as go-units reads it; -1 is no limit. */
export function parseUlimit(text: string): Ulimit {
  const [name = '', limits, ...more] = text.split('=')
  if (limits === undefined || more.length > 0) throw wrong(`invalid ulimit argument: ${text}`)
  if (!ULIMITS.includes(name)) throw wrong(`invalid ulimit type: ${name}`)
  const parts = limits.split(':')
  if (parts.length > 2)
    throw wrong(`too many limit value arguments - ${limits}, can only have up to two, \`soft[:hard]\``)
  const [soft, hard] = [integer(parts[0]!), integer(parts[1] ?? parts[0]!)]
  if (hard !== -1 && (soft === -1 || soft > hard)) {
    throw wrong(`ulimit soft limit must be less than or equal to hard limit: ${soft} > ${hard}`)
  }
  return { name, soft, hard }
}

/** The flags that limit what RUN steps may take; both the old ones and `--resource NAME=VALUE`. */
export interface ResourceFlags {
  memory: number | undefined
  'memory-swap': string | undefined
  'cpu-shares': number | undefined
  'cpu-period': number | undefined
  'cpu-quota': number | undefined
  'cpuset-cpus': string | undefined
  'cpuset-mems': string | undefined
  resource: readonly string[]
}

/** What RUN steps may take of the machine. */
export function resourcesOf(flags: ResourceFlags): Resources {
  const swap = flags['memory-swap']
  const old: Record<string, string | number | undefined> = {
    memory: flags.memory,
    memorySwap: swap === undefined ? undefined : sizeOf(swap),
    cpuShares: flags['cpu-shares'],
    cpuPeriod: flags['cpu-period'],
    cpuQuota: flags['cpu-quota'],
    cpusetCpus: flags['cpuset-cpus'],
    cpusetMems: flags['cpuset-mems'],
  }
  // zero and nothing mean no limit, as in Docker
  const given = Object.entries(old).filter(([, value]) => value !== undefined && value !== 0 && value !== '')
  return Object.assign(Object.fromEntries(given), ...flags.resource.map(resourceOf)) as Resources
}

const RESOURCES: Readonly<Record<string, (text: string) => Resources>> = {
  memory: (text) => ({ memory: sizeOf(text) }),
  'memory-swap': (text) => ({ memorySwap: sizeOf(text) }),
  'cpu-shares': (text) => ({ cpuShares: integer(text) }),
  'cpu-period': (text) => ({ cpuPeriod: integer(text) }),
  'cpu-quota': (text) => ({ cpuQuota: integer(text) }),
  'cpuset-cpus': (text) => ({ cpusetCpus: text }),
  'cpuset-mems': (text) => ({ cpusetMems: text }),
}

function resourceOf(text: string): Resources {
  const cut = text.indexOf('=')
  const name = cut < 0 ? text : text.slice(0, cut)
  if (cut < 0 || !Object.hasOwn(RESOURCES, name)) {
    const hint = `known resources: ${Object.keys(RESOURCES).join(', ')}`
    throw fail('USAGE_INVALID', `invalid resource: "${text}"`, { hint })
  }
  return RESOURCES[name]!(text.slice(cut + 1))
}

function sizeOf(text: string): number {
  const size = text === '-1' ? -1 : parseMemorySize(text)
  if (size === undefined) throw wrong(`invalid size: '${text}'`)
  return size
}

function integer(text: string): number {
  if (!/^[+-]?\d{1,15}$/.test(text)) throw wrong(`strconv.ParseInt: parsing ${JSON.stringify(text)}: invalid syntax`)
  return Number(text)
}

const ENTITLEMENTS = ['network.host', 'security.insecure', 'device', 'buildx.local.delete']

/** `--allow`: what RUN may ask for. Fails in buildx's words. */
export function checkEntitlement(text: string): string {
  if (ENTITLEMENTS.includes(text) || text.startsWith('device=')) return text
  throw fail('USAGE_INVALID', `unknown entitlement ${text}`, { hint: `known ones: ${ENTITLEMENTS.join(', ')}` })
}

function wrong(message: string): Error {
  return fail('USAGE_INVALID', message)
}
