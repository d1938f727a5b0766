import * as v from 'valibot'
import { fail } from '../../../core/index.ts'
import { isRepositoryName } from '../protocol/route.ts'

const text = v.pipe(v.string(), v.minLength(1))
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(1))
const seconds = v.pipe(v.number(), v.minValue(0), v.maxValue(31_536_000))
const address = v.pipe(v.string(), v.regex(/^https?:\/\/[^/?#@"\\\s]+$/, 'must be http(s)://HOST[:PORT]'))
const HOST = /^(?:[a-zA-Z0-9.-]+|\[[0-9a-fA-F:.]+\])(?::\d{1,5})?$/

/** One `[[proxy.upstream]]`: a registry that this one is a cache of. */
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
  /** Seconds for which a tag is believed before the upstream is asked again. */
  readonly fresh_seconds?: number | undefined
  /** Seconds for which "there is no such image" is believed. */
  readonly missing_seconds?: number | undefined
  /** Seconds that the upstream may say nothing. */
  readonly timeout_seconds?: number | undefined
  /** Large blobs that are fetched at the same time. */
  readonly downloads?: number | undefined
  /** Days after which what nobody pulled goes. */
  readonly keep_days?: number | undefined
  /** Bytes of layers that are kept; what was not pulled for longest goes first. */
  readonly max_bytes?: number | undefined
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
  fresh_seconds: v.optional(seconds),
  missing_seconds: v.optional(seconds),
  timeout_seconds: v.optional(v.pipe(v.number(), v.minValue(0.1), v.maxValue(3600))),
  downloads: v.optional(count),
  keep_days: v.optional(v.pipe(v.number(), v.minValue(0))),
  max_bytes: v.optional(count),
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
  if (all.filter((one) => one.default).length > 1) throw invalid('two upstreams are the default')
}

function hasWholeCredentials(config: UpstreamConfig): boolean {
  const passwords = [config.password_file, config.password_env].filter((one) => one !== undefined).length
  return config.username === undefined ? passwords === 0 : passwords === 1 && !config.login
}

function invalid(message: string): Error {
  return fail('REGISTRY_CONFIG_INVALID', `proxy.upstream: ${message}`)
}
