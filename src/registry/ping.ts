import { fail, type Job, silentJob } from '../core/index.ts'
import { loginWithheld } from './answer-error.ts'
import { DOCKER_HUB, registryName } from './config/domain.ts'
import { connectionTo, type RegistryOptions } from './options.ts'
import type { Credentials } from './settings.ts'

/**
 * Asks a registry whether it knows us: `GET /v2/` with these credentials, or those of the settings. Credentials of Docker
 * Hub are shown to Docker Hub, whatever else is configured to answer for it. Returns an identity token when the token
 * server gave one. Fails with `REGISTRY_UNAUTHORIZED`.
 */
export async function pingRegistry(
  domain: string,
  options: Pick<RegistryOptions, 'settings' | 'patience'> & { readonly credentials?: Credentials },
  job: Job = silentJob,
): Promise<{ identityToken?: string }> {
  const { credentials } = options
  const itself = registryName(domain) === DOCKER_HUB
  const own = credentials ? { credentials: async () => credentials, itself } : {}
  const server = await connectionTo(domain, options, { ...own, offline: true })
  const about = { name: domain, kind: 'registry' } as const
  await server.ask({ method: 'GET', to: '/', scopes: [], about, expects: [200] }, job)
  const { refreshToken, withheldFrom } = server.authorizer
  if (withheldFrom !== undefined) {
    // a token for everyone was given and taken: that says nothing about the user
    const unknown = fail('REGISTRY_UNAUTHORIZED', 'unauthorized: authentication required')
    throw loginWithheld(unknown, server.endpoint.registry, withheldFrom)
  }
  return refreshToken === undefined ? {} : { identityToken: refreshToken }
}
