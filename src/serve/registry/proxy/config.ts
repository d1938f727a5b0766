import * as v from 'valibot'
import { fail } from '../../../core/index.ts'
import { isRepositoryName } from '../protocol/route.ts'
import { parseAmount, parseSpan } from '../upkeep/quantities.ts'

const text = v.pipe(v.string(), v.minLength(1))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const span = v.pipe(v.string(), v.transform(parseSpan), v.number('must be a time such as "90s", "12h", "7d"'))
const amount = v.pipe(v.string(), v.transform(parseAmount), v.number('must be a size such as "500MB", "10GiB"'))
const address = v.pipe(v.string(), v.regex(/^https?:\/\/[^/?#@"\\\s]+$/, 'must be http(s)://HOST[:PORT]'))
const HOST = /^(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/

/** One `[[proxy.upstream]]`: a registry that this one is a cache of. Times are milliseconds, sizes bytes. */
export interface UpstreamConfig {
  /** As it stands in names of images: `docker.io`, `127.0.0.1:5001`. */
  readonly name: string
  /** Where it is, when that is not its name. */
  readonly url?: string | undefined
  /** Mirrors of it that are asked first, without its credentials. */
  readonly mirrors?: readonly string[] | undefined
  /** What its repositories are called here: `PREFIX/library/alpine`. Its name when missing, with `-` before the port. */
  readonly prefix?: string | undefined
  /** Answers also for repositories without any prefix that are not here: for `registry-mirrors` of Docker. */
  readonly default?: boolean | undefined
  /** Patterns of the repositories that are passed on, by their names there; all when missing. */
  readonly repositories?: readonly string[] | undefined
  /** File of authorities, PEM; relative to the configuration file. */
  readonly ca?: string | undefined
  /** Whether its certificate is verified. */
  readonly verify?: boolean | undefined
  readonly username?: string | undefined
  /** File with the password; relative to the configuration file. */
  readonly password_file?: string | undefined
  /** Environment variable with the password. */
  readonly password_env?: string | undefined
  /** Use what the user that the server runs as has logged in with (config.json). */
  readonly login?: boolean | undefined
  /** For how long a tag is believed before the upstream is asked again. */
  readonly fresh?: number | undefined
  /** For how long "there is no such image" is believed. */
  readonly missing?: number | undefined
  /** How long the upstream may say nothing. */
  readonly timeout?: number | undefined
  /** Large blobs that are fetched at the same time. */
  readonly downloads?: number | undefined
  /** What nobody pulled for so long goes. */
  readonly keep?: number | undefined
  /** Bytes of layers that are kept; what was not pulled for longest goes first. */
  readonly max_size?: number | undefined
}

/** The table `[proxy]` of the configuration. */
export interface ProxyConfig {
  readonly upstream?: readonly UpstreamConfig[] | undefined
}

const upstream: v.GenericSchema<unknown, UpstreamConfig> = v.strictObject({
  name: v.pipe(v.string(), v.regex(HOST, 'must be HOST[:PORT]')),
  url: v.optional(address),
  mirrors: v.optional(v.array(address)),
  prefix: v.optional(v.pipe(v.string(), v.check(isRepositoryName, 'must be like the name of a repository'))),
  default: v.optional(v.boolean()),
  repositories: v.optional(v.array(text)),
  ca: v.optional(text),
  verify: v.optional(v.boolean()),
  username: v.optional(text),
  password_file: v.optional(text),
  password_env: v.optional(text),
  login: v.optional(v.boolean()),
  fresh: v.optional(span),
  missing: v.optional(span),
  timeout: v.optional(v.pipe(span, v.minValue(100, 'must be 100ms at least'))),
  downloads: v.optional(count),
  keep: v.optional(span),
  max_size: v.optional(amount),
})

/** Judges `[proxy]`. */
export const proxySchema: v.GenericSchema<unknown, ProxyConfig> = v.strictObject({
  upstream: v.optional(v.array(upstream)),
})

/** The same with absolute paths. */
export function absoluteProxy({ upstream = [] }: ProxyConfig, absolute: (name: string) => string): ProxyConfig {
  return {
    upstream: upstream.map((one) => ({
      ...one,
      ...(one.ca === undefined ? {} : { ca: absolute(one.ca) }),
      ...(one.password_file === undefined ? {} : { password_file: absolute(one.password_file) }),
    })),
  }
}

/** What the repositories of an upstream begin with here. */
export function prefixOf({ name, prefix }: UpstreamConfig): string {
  return prefix ?? name.toLowerCase().replace(/[[\]]/g, '').replaceAll(':', '-')
}

/** Sees to it that upstreams can be told apart and their credentials are whole. Fails with `REGISTRY_CONFIG_INVALID`. */
export function checkUpstreams(all: readonly UpstreamConfig[]): void {
  const half = all.find((one) => !hasWholeCredentials(one))
  if (half) throw invalid(`${half.name}: username needs one of password_file and password_env, and excludes login`)
  const prefixes = all.map(prefixOf)
  const wrong = prefixes.find((prefix) => !isRepositoryName(prefix))
  if (wrong !== undefined) throw invalid(`${wrong} cannot begin the name of a repository: set "prefix"`)
  for (const [what, values] of [
    ['name', all.map(({ name }) => name)],
    ['prefix', prefixes],
  ] as const) {
    const twice = values.find((value, at) => values.indexOf(value) !== at)
    if (twice !== undefined) throw invalid(`two upstreams have the ${what} ${twice}`)
  }
  // what is below a prefix must be one upstream's alone: blobs are shared among its repositories
  const inner = prefixes.find((prefix) => prefixes.some((other) => prefix.startsWith(`${other}/`)))
  if (inner !== undefined) throw invalid(`the prefix ${inner} is below that of another one`)
  if (all.filter((one) => one.default).length > 1) throw invalid('two upstreams are the default')
}

function hasWholeCredentials(config: UpstreamConfig): boolean {
  const passwords = [config.password_file, config.password_env].filter((one) => one !== undefined).length
  return config.username === undefined ? passwords === 0 : passwords === 1 && !config.login
}

function invalid(message: string): Error {
  return fail('REGISTRY_CONFIG_INVALID', `proxy.upstream: ${message}`)
}
