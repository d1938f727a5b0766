import { type Job, silentJob } from '../core/index.ts'
import { connectionTo, type RegistryOptions } from './options.ts'
import type { Credentials } from './settings.ts'

/**
 * Asks a registry whether it knows us: `GET /v2/` with these credentials, or those of the settings. Returns an identity
 * token when the token server gave one. Fails with `REGISTRY_UNAUTHORIZED`.
 */
export async function pingRegistry(
  domain: string,
  options: Pick<RegistryOptions, 'settings' | 'patience'> & { readonly credentials?: Credentials },
  job: Job = silentJob,
): Promise<{ identityToken?: string }> {
  const { credentials } = options
  const own = credentials ? { credentials: async () => credentials } : {}
  const server = await connectionTo(domain, options, { ...own, offline: true })
  const about = { name: domain, kind: 'registry' } as const
  await server.ask({ method: 'GET', to: '/', scopes: [], about, expects: [200] }, job)
  const { refreshToken } = server.authorizer
  return refreshToken === undefined ? {} : { identityToken: refreshToken }
}
