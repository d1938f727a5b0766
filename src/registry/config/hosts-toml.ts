import path from 'node:path'
import * as v from 'valibot'
import { parseDuration } from '../../core/index.ts'
import { type Certificates, isFolderName, readCertificate, readClientCertificate } from './certificates.ts'
import { type ConfigFile, invalidFile, parseTomlFile, readConfigFile } from './config-file.ts'
import { isServerAddress } from './domain.ts'

const textOrTexts = v.optional(v.union([v.string(), v.array(v.string())], 'must be a string or a list of strings'))

const HOST = {
  capabilities: v.optional(
    v.array(
      v.picklist(['pull', 'resolve', 'push', 'referrers'], 'must be "pull", "resolve" or "push"'),
      'must be a list',
    ),
  ),
  ca: textOrTexts,
  client: v.optional(
    v.union(
      [v.string(), v.array(v.union([v.string(), v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(2))]))],
      'must be a file, a list of files, or a list of pairs of files',
    ),
  ),
  skip_verify: v.optional(v.boolean('must be true or false')),
  override_path: v.optional(v.boolean('must be true or false')),
  header: v.optional(
    v.record(
      v.string(),
      v.union([v.string(), v.array(v.string())], 'must be a string or a list of strings'),
      'must be a table',
    ),
  ),
  dial_timeout: v.optional(
    v.pipe(v.string('must be a string'), v.check(isDuration, 'must be a duration such as "3s"')),
  ),
}

const HOSTS = v.looseObject({
  server: v.optional(v.string('must be a string')),
  host: v.optional(v.record(v.string(), v.looseObject(HOST, 'must be a table'), 'must be a table')),
  ...HOST,
})

type HostTable = v.InferOutput<v.LooseObjectSchema<typeof HOST, undefined>>

/** One host as a `hosts.toml` describes it. */
export interface ConfiguredHost extends Certificates {
  /** With `/v2`, unless the path is to be used as it stands; `undefined` for the registry itself. */
  readonly url?: string
  readonly can: { readonly pull: boolean; readonly resolve: boolean; readonly push: boolean }
  readonly skipVerify: boolean
  readonly headers: Readonly<Record<string, string>>
  /** Milliseconds. */
  readonly connectTimeout?: number
}

/** What a `hosts.toml` says. */
export interface ConfiguredHosts {
  /** Tried in this order. */
  readonly mirrors: readonly ConfiguredHost[]
  /** Tried last. */
  readonly server: ConfiguredHost
}

/** More than anybody would wait for. */
const MAX_HOSTS = 50

/**
 * The `hosts.toml` of a registry, of the first folder that has one: `ROOT/HOST_PORT_`, `ROOT/HOST:PORT`, or with
 * `fallback` that of all others, `ROOT/_default`. Format: containerd, docs/hosts.md. Fails with
 * `REGISTRY_CONFIG_INVALID`.
 */
export function readHosts(roots: readonly string[], registry: string | 'fallback'): ConfiguredHosts | undefined {
  const names = registry === 'fallback' ? ['_default'] : [registry.replace(/:(\d+)$/, '_$1_'), registry]
  for (const root of roots) {
    for (const name of names.filter(isFolderName)) {
      const file = readConfigFile(path.join(root, name, 'hosts.toml'))
      if (file) return parseHosts(file)
    }
  }
  return undefined
}

function parseHosts(file: ConfigFile): ConfiguredHosts {
  const document = parseTomlFile(file, HOSTS)
  const hosts = Object.entries(document.host ?? {})
  if (hosts.length > MAX_HOSTS) throw invalidFile(file, undefined, `it names more than ${MAX_HOSTS} hosts`)
  return {
    mirrors: hosts.map(([address, table]) => configuredHost(file, table, address)),
    server: configuredHost(file, document, document.server),
  }
}

function configuredHost(file: ConfigFile, table: HostTable, address: string | undefined): ConfiguredHost {
  const folder = path.dirname(file.path)
  const place = (name: string): string => path.resolve(folder, name)
  const capabilities = table.capabilities?.length ? table.capabilities : ['pull', 'resolve', 'push']
  const [client] = clientFiles(table.client).map(([cert, key]) => readClientCertificate(place(cert), place(key)))
  return {
    ...(address ? { url: addressUrl(file, address, table.override_path === true) } : {}),
    can: {
      pull: capabilities.includes('pull'),
      resolve: capabilities.includes('resolve'),
      push: capabilities.includes('push'),
    },
    skipVerify: table.skip_verify === true,
    ca: listOf(table.ca).map((name) => readCertificate(place(name))),
    ...(client ? { client } : {}),
    headers: headersOf(file, table.header),
    ...(table.dial_timeout === undefined ? {} : { connectTimeout: Math.ceil(parseDuration(table.dial_timeout) / 1e6) }),
  }
}

function listOf(value: string | string[] | undefined): string[] {
  return typeof value === 'string' ? [value] : (value ?? [])
}

/** A file alone holds both the certificate and the key. */
function clientFiles(client: HostTable['client']): [string, string][] {
  const entries = typeof client === 'string' ? [client] : (client ?? [])
  return entries.map((entry) => {
    const [cert = '', key = ''] = typeof entry === 'string' ? [entry] : entry
    return [cert, key || cert]
  })
}

function addressUrl(file: ConfigFile, address: string, isWhole: boolean): string {
  const text = (/^https?:\/\//.test(address) ? address : `https://${address}`).replace(/\/+$/, '')
  if (!isServerAddress(text)) {
    throw invalidFile(file, { text: address }, 'a host must be like "https://mirror.example.com", perhaps with a path')
  }
  return isWhole || text.endsWith('/v2') ? text : `${text}/v2`
}

const HEADER_NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const HEADER_VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

function headersOf(file: ConfigFile, table: HostTable['header']): Record<string, string> {
  const headers = Object.entries(table ?? {}).map(([name, values]): [string, string] => [
    name,
    listOf(values).join(', '),
  ])
  const bad = headers.find(([name, value]) => !HEADER_NAME.test(name) || !HEADER_VALUE.test(value))
  if (!bad) return Object.fromEntries(headers)
  throw invalidFile(
    file,
    { text: bad[0] },
    `header ${JSON.stringify(bad[0])} cannot be sent: it holds control characters`,
  )
}

/** Whether this can be waited for: more than nothing, and no more than a timer can count. */
function isDuration(text: string): boolean {
  try {
    const nanoseconds = parseDuration(text)
    return nanoseconds > 0 && nanoseconds / 1e6 < 2 ** 31
  } catch {
    return false
  }
}
