import { type Dockerfile, expand } from '../../dockerfile/index.ts'
import { formatPlatform, type Platform } from '../../oci/index.ts'
import type { PlanOptions } from './context.ts'
import { at } from './stage-state.ts'

/** Build arguments that need no ARG: they reach RUN, but neither history nor the cache key (Docker's "predefined" ones). */
const PROXY_NAMES = ['HTTP_PROXY', 'HTTPS_PROXY', 'FTP_PROXY', 'NO_PROXY', 'ALL_PROXY']

/** The arguments that FROM can use, and that `ARG name` without a default brings into a stage. */
export function globalArguments(dockerfile: Dockerfile, options: PlanOptions): Map<string, string> {
  const values = new Map<string, string>()
  for (const [name, value] of platformArguments(options)) values.set(name, options.buildArgs[name] ?? value)
  for (const { declarations } of dockerfile.globalArgs) {
    for (const { name, value } of declarations) {
      const given = options.buildArgs[name.text]
      if (given !== undefined) values.set(name.text, given)
      else if (value)
        values.set(
          name.text,
          at(value.span, () => expand(value.text, values, { escape: dockerfile.escape }).text),
        )
    }
  }
  return values
}

/**
 * The same when the user gives no build arguments but those of the platforms; `undefined` when that makes no sense,
 * which is no error unless they are needed.
 */
export function defaultArguments(dockerfile: Dockerfile, options: PlanOptions): Map<string, string> | undefined {
  const predefined = new Set(platformArguments(options).map(([name]) => name))
  const given = Object.entries(options.buildArgs).filter(([name]) => predefined.has(name))
  try {
    return globalArguments(dockerfile, { ...options, buildArgs: Object.fromEntries(given) })
  } catch {
    return undefined
  }
}

function platformArguments({ platform, buildPlatform, target }: PlanOptions): [string, string][] {
  const of = (prefix: string, value: Platform): [string, string][] => [
    [`${prefix}PLATFORM`, formatPlatform(value)],
    [`${prefix}OS`, value.os],
    [`${prefix}OSVERSION`, value['os.version'] ?? ''],
    [`${prefix}ARCH`, value.architecture],
    [`${prefix}VARIANT`, value.variant ?? ''],
  ]
  return [...of('BUILD', buildPlatform), ...of('TARGET', platform), ['TARGETSTAGE', target || 'default']]
}

/**
 * `NAME=value` of the proxy settings among the build arguments, for RUN: in capitals and in small letters, as programs
 * look for either. What is given in both is not changed.
 */
export function proxyEnvironment(options: PlanOptions, declared: ReadonlyMap<string, string>): string[] {
  const given = Object.entries(options.buildArgs).filter(([name]) => PROXY_NAMES.includes(name.toUpperCase()))
  const inBothCases = given.flatMap(([name, value]): [string, string][] => [
    [name.toUpperCase(), value],
    [name.toLowerCase(), value],
  ])
  const values = new Map([...inBothCases, ...given])
  return [...values].filter(([name]) => !declared.has(name)).map(([name, value]) => `${name}=${value}`)
}
