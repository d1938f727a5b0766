import { fail, isJsonObject, type Job, type Json, parseJson, silentJob } from '../core/index.ts'
import { MOST_BYTES } from './connection.ts'
import { connectionTo, type RegistryOptions } from './options.ts'

/** A repository that a search found. */
export interface FoundRepository {
  readonly name: string
  readonly description: string
  readonly stars: number
  readonly isOfficial: boolean
}

/** Docker Hub answers searches elsewhere than pulls. */
const HUB = 'https://registry-1.docker.io'
const HUB_INDEX = 'https://index.docker.io'

/** Searches a registry by the API of Docker Hub, which few others have, best first. Fails with `REGISTRY_UNSUPPORTED`. */
export async function searchRegistry(
  domain: string,
  query: { readonly term: string; readonly limit?: number },
  options: Pick<RegistryOptions, 'settings' | 'patience'>,
  job: Job = silentJob,
): Promise<readonly FoundRepository[]> {
  const server = await connectionTo(domain, options)
  const { origin } = new URL(server.endpoint.url)
  const to = new URL('/v1/search', origin === HUB ? HUB_INDEX : server.address())
  to.searchParams.set('q', query.term)
  to.searchParams.set('n', String(query.limit ?? 25))
  const about = { name: domain, kind: 'registry' } as const
  const reply = await server.ask({ method: 'GET', to, scopes: [], about, expects: [200, 404] }, job)
  if (reply.status === 404) {
    throw fail('REGISTRY_UNSUPPORTED', `${domain} has no search`, {
      hint: 'only Docker Hub and registries that imitate it can be searched.',
    })
  }
  return resultsOf(reply.body, domain)
}

function resultsOf(body: Buffer, domain: string): FoundRepository[] {
  const value = parseJson(body, { what: 'answer to the search', maxBytes: MOST_BYTES })
  const results = isJsonObject(value) ? value['results'] : undefined
  if (!Array.isArray(results)) throw fail('REGISTRY_INVALID_ANSWER', `${domain} answered no list of results`)
  return results.filter(isJsonObject).map((result) => ({
    name: textOf(result['name']),
    description: textOf(result['description']),
    stars: typeof result['star_count'] === 'number' ? result['star_count'] : 0,
    isOfficial: result['is_official'] === true,
  }))
}

/** One line, without what could steer a terminal. */
function textOf(value: Json | undefined): string {
  return typeof value === 'string' ? value.replace(/[\p{Cc}\p{Cf}]+/gu, ' ') : ''
}
