import type { Job } from '../../core/index.ts'
import type { Credentials } from '../settings.ts'
import { type AuthFile, credentialsOf, entriesFor, parseAuthFile, readAuthFile } from './auth-file.ts'
import { credentialKey, credentialNames, registryName } from './domain.ts'
import { getFromHelper, type Helper } from './helper.ts'
import type { Places } from './places.ts'

/** The variable with credentials that go before those of every file. */
const MEMORY = 'DOCKER_AUTH_CONFIG'

/** Which registry, and of whom. */
export interface CredentialsQuery {
  registry: string
  /** A repository of it. */
  path?: string | undefined
}

/**
 * The credentials for a registry or a repository of it: those of DOCKER_AUTH_CONFIG, else of config.json (its helpers,
 * its store, its own), else of the files of podman and buildah. Within a file the longest key wins.
 * Fails with `REGISTRY_CONFIG_INVALID` or `CREDENTIAL_HELPER_FAILED`.
 */
export async function findCredentials(
  query: CredentialsQuery,
  places: Places,
  env: NodeJS.ProcessEnv,
  job?: Job,
): Promise<Credentials | undefined> {
  const memory = env[MEMORY]
  const inMemory = memory ? parseAuthFile({ path: MEMORY, bytes: Buffer.from(memory) }) : undefined
  const found = inMemory && ownCredentials(inMemory, query)
  if (found) return found
  for (const path of [places.dockerConfig, ...places.authFiles]) {
    const file = readAuthFile(path)
    const known = file && (await credentialsIn(file, query, env, job))
    if (known) return known
  }
  return undefined
}

async function credentialsIn(
  file: AuthFile,
  query: CredentialsQuery,
  env: NodeJS.ProcessEnv,
  job?: Job,
): Promise<Credentials | undefined> {
  const helper = helperFor(file, query, env)
  if (!helper) return ownCredentials(file, query)
  const kept = await getFromHelper(helper, credentialKey(query.registry), job)
  // helpers keep no more than a name and a secret
  const [entry] = entriesFor(file.document.auths, registryName(query.registry))
  const tokenServer = entry?.[1]?.tokenserver
  return kept && kept.kind !== 'registry-token' && tokenServer ? { ...kept, tokenServer } : kept
}

function ownCredentials({ file, document }: AuthFile, { registry, path }: CredentialsQuery): Credentials | undefined {
  for (const name of credentialNames(registry, path)) {
    for (const [key, entry] of entriesFor(document.auths, name)) {
      const credentials = credentialsOf(entry, key, file)
      if (credentials) return credentials
    }
  }
  return undefined
}

/** The helper that keeps the credentials of a registry, by an auth file. */
export function helperFor(
  { document }: AuthFile,
  { registry }: CredentialsQuery,
  env: NodeJS.ProcessEnv,
): Helper | undefined {
  const own = entriesFor(document.credHelpers, registryName(registry))[0]?.[1]
  const name = own || document.credsStore
  return name ? { name, env } : undefined
}
