import path from 'node:path'
import type { RegistryConfig } from '../config.ts'
import type { RegistryExtensions } from '../extensions.ts'
import type { PartContext } from '../parts.ts'
import { originOf } from './address.ts'
import { Authenticator } from './authenticate.ts'
import { createAuthorize } from './authorize.ts'
import { adminsFrom, groupsFrom, proxiesFrom, rulesFrom } from './config.ts'
import { SigningKeys } from './keys.ts'
import { Passwords } from './passwords.ts'
import { Robots } from './robots.ts'
import { type Policy, USER_RULES } from './rules.ts'
import { Throttle } from './throttle.ts'
import { TOKEN_PATH, tokenEndpoint } from './token-endpoint.ts'
import { Tokens } from './tokens.ts'

const SERVICE = 'slipway-registry'
/** Seconds; the protocol asks for 60 at least. */
const TOKEN_LIFETIME = 300
/** The folder of the keys that tokens are signed with, in that of the registry. */
const KEYS = 'keys'

/** Whether a configuration says who may do what; if not, everyone may do everything. */
export function isGuarded({ access, tls }: Pick<RegistryConfig, 'access' | 'tls'>): boolean {
  return access?.htpasswd !== undefined || access?.rule !== undefined || tls?.client_ca !== undefined
}

/**
 * The part of the server that decides who may do what: users, robots, certificates of clients, rules, and the token
 * endpoint. Adds nothing when the configuration has none of it. Fails with `ACCESS_INVALID`, `HTPASSWD_INVALID`.
 */
export function accessPart({ config, database, folder }: PartContext): RegistryExtensions {
  const { access = {}, tls } = config
  // Checked also where nothing is guarded by it: a mistake is better found now.
  const policy: Policy = { rules: rulesFrom(access) ?? USER_RULES, admins: adminsFrom(access) }
  const proxies = proxiesFrom(access)
  if (!isGuarded(config)) return {}
  const isProxy = (address: string): boolean => proxies.check(address, address.includes(':') ? 'ipv6' : 'ipv4')
  const service = access.service ?? SERVICE
  const keys = new SigningKeys(path.join(folder, KEYS))
  const tokens = new Tokens({ keys, service, lifetime: access.token_seconds ?? TOKEN_LIFETIME })
  const authenticator = new Authenticator({
    passwords: access.htpasswd === undefined ? undefined : new Passwords(access.htpasswd, { onProblem: tell }),
    robots: new Robots(database),
    tokens,
    throttle: new Throttle(),
    groups: groupsFrom(access),
    acceptsCertificates: tls?.client_ca !== undefined,
    isProxy,
  })
  return {
    authorize: createAuthorize({
      authenticator,
      policy,
      service,
      realm: (request) => `${access.url ?? originOf(request, isProxy)}${TOKEN_PATH}`,
    }),
    plugins: [tokenEndpoint({ authenticator, tokens, policy })],
  }
}

function tell(message: string): void {
  process.stderr.write(`registry: ${message}\n`)
}
