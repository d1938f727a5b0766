import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parse, TomlError } from 'smol-toml'
import * as v from 'valibot'
import { fail, messageOf } from '../../core/index.ts'
import { type AccessConfig, accessProblem, accessSchema } from './access/config.ts'
import { lineOf } from './config-lines.ts'
import { type LimitsConfig, limitsSchema } from './limits.ts'
import { parseListenAddress } from './listen-address.ts'
import { absoluteProxy, type ProxyConfig, proxySchema } from './proxy/config.ts'
import { type OffloadConfig, offloadSchema } from './sending/offload.ts'
import { type TlsFiles, tlsSchema } from './tls.ts'
import { UPKEEP_ENTRIES, type UpkeepConfig } from './upkeep/settings.ts'

/**
 * What the configuration file says. A part of the server that has settings keeps their type and schema beside its code
 * and adds a line here and below; unknown keys are errors, so that a typing mistake never switches something off.
 */
export interface RegistryConfig extends UpkeepConfig {
  /** `HOST:PORT`; port 0 takes a free one. */
  listen?: string | undefined
  /** The folder that everything is kept in. */
  root?: string | undefined
  /** Whether manifests, tags and blobs may be deleted. */
  delete?: boolean | undefined
  limits?: LimitsConfig | undefined
  tls?: TlsFiles | undefined
  access?: AccessConfig | undefined
  proxy?: ProxyConfig | undefined
  offload?: OffloadConfig | undefined
}

const schema: v.GenericSchema<unknown, RegistryConfig> = v.strictObject({
  listen: v.optional(
    v.pipe(
      v.string(),
      v.check((text) => parseListenAddress(text) !== undefined, 'must be HOST:PORT'),
    ),
  ),
  root: v.optional(v.string()),
  delete: v.optional(v.boolean()),
  limits: v.optional(limitsSchema),
  tls: v.optional(tlsSchema),
  access: v.optional(accessSchema),
  proxy: v.optional(proxySchema),
  offload: v.optional(offloadSchema),
  ...UPKEEP_ENTRIES,
})

/** Reads and checks a configuration file; paths in it become absolute. Fails with `REGISTRY_CONFIG_INVALID` and the place. */
export function loadConfig(file: string): RegistryConfig {
  const text = readText(file)
  const config = parseConfig(text, file)
  const folder = path.dirname(path.resolve(file))
  const absolute = (name: string): string => path.resolve(folder, name)
  const { htpasswd } = config.access ?? {}
  return {
    ...config,
    ...(config.root === undefined ? {} : { root: absolute(config.root) }),
    ...(config.tls === undefined ? {} : { tls: absoluteFiles(config.tls, absolute) }),
    ...(config.proxy === undefined ? {} : { proxy: absoluteProxy(config.proxy, absolute) }),
    ...(htpasswd === undefined ? {} : { access: { ...config.access, htpasswd: absolute(htpasswd) } }),
  }
}

function absoluteFiles({ cert, key, client_ca }: TlsFiles, absolute: (name: string) => string): TlsFiles {
  const files = { cert: absolute(cert), key: absolute(key) }
  return client_ca === undefined ? files : { ...files, client_ca: absolute(client_ca) }
}

/** Checks the text of a configuration file; `file` is for messages. */
export function parseConfig(text: string, file: string): RegistryConfig {
  const result = v.safeParse(schema, parseToml(text, file), { abortEarly: true })
  if (result.success) return withoutProblems(result.output, text, file)
  const [issue] = result.issues
  const keys = (issue.path ?? []).map((part) => String(part.key))
  const isUnknown = issue.type === 'strict_object' && issue.expected === 'never'
  const what = isUnknown ? `unknown key '${keys.join('.')}'` : `${keys.join('.')}: ${issue.message}`
  throw invalid(file, lineOf(text, keys), what)
}

/** What a schema cannot say: that names of rules and patterns make sense. */
function withoutProblems(config: RegistryConfig, text: string, file: string): RegistryConfig {
  const found = config.access && accessProblem(config.access)
  if (!found) return config
  const keys = ['access', ...found.keys]
  throw invalid(file, lineOf(text, keys), `${keys.join('.')}: ${found.problem.message}`, found.problem.hint)
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (cause) {
    throw fail('REGISTRY_CONFIG_INVALID', `cannot read ${file}: ${messageOf(cause)}`, { cause })
  }
}

function parseToml(text: string, file: string): unknown {
  try {
    return parse(text)
  } catch (error) {
    if (!(error instanceof TomlError)) throw error
    throw invalid(file, error.line, error.message.split('\n')[0]!)
  }
}

function invalid(file: string, line: number | undefined, what: string, hint?: string): Error {
  const place = line === undefined ? file : `${file}:${line}`
  return fail('REGISTRY_CONFIG_INVALID', `${place}: ${what}`, {
    data: { file, line },
    ...(hint === undefined ? {} : { hint }),
  })
}
