import { BlockList, isIP } from 'node:net'
import * as v from 'valibot'
import { fail, SlipwayError } from '../../../core/index.ts'
import { parseRepositoryPattern } from './repository-pattern.ts'
import { parseActions, parseWho, type Rule, type Who } from './rules.ts'

const name = v.pipe(v.string(), v.minLength(1))
const oneOrMore = v.union(
  [
    v.pipe(
      name,
      v.transform((one) => [one]),
    ),
    v.pipe(v.array(name), v.minLength(1)),
  ],
  'must be a text or texts',
)

/** One `[[access.rule]]` as it is written. */
export interface RuleConfig {
  /** Patterns of repositories: `team/*`, `**`. */
  readonly repository: readonly string[]
  /** `USER`, `group:NAME`, `robot:NAME`, `authenticated`, `robots`, `anonymous`, `everyone`. */
  readonly who: readonly string[]
  /** `pull`, `push`, `delete`, `*`; none forbids. */
  readonly actions: readonly string[]
}

/** What the table `[access]` of the configuration file says. */
export interface AccessConfig {
  /** File of users with bcrypt hashes; relative to the configuration file. */
  readonly htpasswd?: string | undefined
  /** Name of this registry in its tokens. */
  readonly service?: string | undefined
  /** The address that clients reach this registry at, when a proxy stands before it: `https://registry.example.com`. */
  readonly url?: string | undefined
  /** Seconds that a token is good for. */
  readonly token_seconds?: number | undefined
  /** Addresses or networks of proxies whose `X-Forwarded-For` is believed. */
  readonly trusted_proxies?: readonly string[] | undefined
  /** Serve an address that is not loopback without users or without TLS. */
  readonly insecure?: boolean | undefined
  /** Members of groups. */
  readonly groups?: Readonly<Record<string, readonly string[]>> | undefined
  /** Who may run the registry: what is named as in `who` of rules. */
  readonly admins?: readonly string[] | undefined
  readonly rule?: readonly RuleConfig[] | undefined
}

/** The table `[access]` of the configuration. */
export const accessSchema: v.GenericSchema<unknown, AccessConfig> = v.strictObject({
  htpasswd: v.optional(name),
  service: v.optional(v.pipe(name, v.regex(/^[A-Za-z0-9._:/-]{1,255}$/, 'must be letters, digits and . _ : / -'))),
  url: v.optional(v.pipe(name, v.regex(/^https?:\/\/[^/?#"\\\s]+$/, 'must be http(s)://HOST[:PORT]'))),
  token_seconds: v.optional(v.pipe(v.number(), v.integer(), v.minValue(60), v.maxValue(86_400))),
  trusted_proxies: v.optional(v.array(name)),
  insecure: v.optional(v.boolean()),
  groups: v.optional(v.record(v.string(), v.array(name))),
  admins: v.optional(oneOrMore),
  rule: v.optional(v.array(v.strictObject({ repository: oneOrMore, who: oneOrMore, actions: v.array(v.string()) }))),
})

/** What makes no sense in rules and names although it has the right form, and where. */
export function accessProblem(config: AccessConfig): { keys: string[]; problem: SlipwayError } | undefined {
  const attempts: [keys: string[], attempt: () => unknown][] = [
    ...(config.rule ?? []).map((rule, at): [string[], () => unknown] => [
      ['rule', String(at)],
      () => rulesFrom({ ...config, rule: [rule] }),
    ]),
    [['admins'], () => adminsFrom(config)],
    [['trusted_proxies'], () => proxiesFrom(config)],
  ]
  for (const [keys, attempt] of attempts) {
    try {
      attempt()
    } catch (problem) {
      if (!(problem instanceof SlipwayError)) throw problem
      return { keys, problem }
    }
  }
  return undefined
}

/** The rules of a configuration, in their order. Fails with `ACCESS_INVALID`. */
export function rulesFrom(config: AccessConfig): readonly Rule[] | undefined {
  return config.rule?.map((rule) => ({
    repositories: rule.repository.map(parseRepositoryPattern),
    who: rule.who.map((text) => checkedWho(text, config)),
    actions: parseActions(rule.actions),
  }))
}

/** Who may run the registry. Fails with `ACCESS_INVALID`. */
export function adminsFrom(config: AccessConfig): readonly Who[] {
  return (config.admins ?? []).map((text) => checkedWho(text, config))
}

/** The groups of each user. */
export function groupsFrom(config: AccessConfig): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, string[]>()
  for (const [group, members] of Object.entries(config.groups ?? {})) {
    for (const member of members) groups.set(member, [...(groups.get(member) ?? []), group])
  }
  return groups
}

/** The proxies that may say who is behind them. Fails with `ACCESS_INVALID`. */
export function proxiesFrom({ trusted_proxies: texts = [] }: AccessConfig): BlockList {
  const list = new BlockList()
  for (const text of texts) {
    const [address = '', bits] = text.split('/')
    const version = isIP(address)
    const prefix = bits === undefined ? (version === 4 ? 32 : 128) : Number(bits)
    const isNetwork = version !== 0 && Number.isInteger(prefix) && prefix >= 0 && prefix <= (version === 4 ? 32 : 128)
    if (!isNetwork)
      throw fail('ACCESS_INVALID', `access.trusted_proxies: ${JSON.stringify(text)} is no address or network`)
    list.addSubnet(address, prefix, version === 4 ? 'ipv4' : 'ipv6')
  }
  return list
}

function checkedWho(text: string, config: AccessConfig): Who {
  const who = parseWho(text)
  if (who.kind === 'group' && !Object.hasOwn(config.groups ?? {}, who.name)) {
    throw fail('ACCESS_INVALID', `a rule is about the group ${who.name}, which is not in [access.groups]`)
  }
  return who
}
