import { fail, hasCode, type Job, silentJob } from '../core/index.ts'
import type { Credentials, SettingsOptions } from '../registry/index.ts'
import { guarded } from './guarded.ts'

// Loaded when first used: commands that ask no registry need not wait for it.
const registryRoom = (): Promise<typeof import('../registry/index.ts')> => import('../registry/index.ts')

/** Whose credentials are asked for or kept: those of this user, by default. */
export type CredentialsOptions = Pick<SettingsOptions, 'env' | 'home' | 'etc'>

/** Who wants to log in to a registry. */
export interface LoginRequest extends CredentialsOptions {
  /** A host, or the address of one; Docker Hub when missing. */
  server?: string | undefined
  username: string
  password: string
  /** The host of the registry's token server, where it is in another domain: it gets the password, too. */
  tokenServer?: string | undefined
}

/** What came of a login. */
export interface LoginReport {
  /** The file in which the password now stands, readable for everyone who can read the file. */
  unencryptedIn?: string
}

/** Credentials that are known already. */
export interface KnownLogin {
  username: string
  password: string
  tokenServer?: string
}

/** The user and password that are kept for a registry; nothing where there are none, or a token. */
export async function knownLogin(
  server: string | undefined,
  options: CredentialsOptions = {},
): Promise<KnownLogin | undefined> {
  const { loadRegistrySettings, registryOfServer } = await registryRoom()
  const found = await loadRegistrySettings(options).credentials(registryOfServer(server))
  if (found?.kind !== 'password' || found.username === '' || found.password === '') return undefined
  const { username, password, tokenServer } = found
  return { username, password, ...(tokenServer === undefined ? {} : { tokenServer }) }
}

/**
 * Asks a registry whether it knows a user, and keeps the credentials if it does: with the helper that config.json names,
 * else there. Where the registry gives an identity token, that is kept in place of the password.
 * Fails with `REGISTRY_UNAUTHORIZED`, `REGISTRY_UNAVAILABLE`, `CREDENTIAL_HELPER_FAILED`, `REGISTRY_CONFIG_INVALID`.
 */
export async function login(request: LoginRequest, job: Job = silentJob): Promise<LoginReport> {
  return await guarded(async () => {
    const { keepCredentials, registryOfServer } = await registryRoom()
    const { server, username, password, tokenServer, ...options } = request
    const registry = registryOfServer(server)
    // RFC 7617, section 2: "a user-id containing a colon character is invalid"
    if (username.includes(':')) throw fail('REGISTRY_UNAUTHORIZED', 'a username cannot contain a colon')
    const stranger = tokenServer ? { tokenServer: registryOfServer(tokenServer) } : {}
    const credentials: Credentials = { kind: 'password', username, password, ...stranger }
    const identityToken = await present(registry, credentials, options, job)
    const kept: Credentials = identityToken
      ? { kind: 'identity-token', token: identityToken, username, ...stranger }
      : credentials
    return await keepCredentials(registry, kept, options, job)
  })
}

/** Shows credentials to a registry. */
async function present(
  registry: string,
  credentials: Credentials,
  options: CredentialsOptions,
  job: Job,
): Promise<string | undefined> {
  const { loadRegistrySettings, pingRegistry } = await registryRoom()
  try {
    const { identityToken } = await pingRegistry(
      registry,
      { settings: loadRegistrySettings(options), credentials },
      job,
    )
    return identityToken
  } catch (error) {
    if (!hasCode(error, 'REGISTRY_UNAUTHORIZED')) throw error
    const message = `login attempt to ${registry} failed with status: 401 Unauthorized: ${error.message}`
    const { hint: found, data } = error
    const hint = data['withheldFrom'] === undefined || !found ? 'check the username and the password.' : found
    throw fail('REGISTRY_UNAUTHORIZED', message, { cause: error, hint })
  }
}

/** What came of a logout. */
export interface LogoutReport {
  /** The registry as config.json and helpers call it. */
  server: string
  /** Why the helper forgot nothing, a line for each of the registry's names; empty when all went well. */
  problems: string[]
}

/** Forgets the credentials that login keeps for a registry, Docker Hub by default. Fails with `REGISTRY_CONFIG_INVALID`. */
export async function logout(
  server: string | undefined,
  options: CredentialsOptions = {},
  job: Job = silentJob,
): Promise<LogoutReport> {
  return await guarded(async () => {
    const { credentialKey, forgetCredentials, registryOfServer } = await registryRoom()
    const registry = registryOfServer(server)
    return { server: credentialKey(registry), ...(await forgetCredentials(registry, options, job)) }
  })
}
