import { fail, hasCode, type Job } from '../../core/index.ts'
import { type FoundRepository, listRepositories, searchRegistry } from '../../registry/index.ts'
import { type Household, type RegistryWishes, settingsOf } from '../registry/repository.ts'

/** What to look for. */
export interface SearchRequest extends RegistryWishes {
  /** A term for Docker Hub, or `host/term` for another registry. */
  term: string
  /** At most so many, 1 to 100; 25 when missing. */
  limit?: number
  stars?: number
  isOfficial?: boolean
}

/** A registry is asked for so many of its repositories. */
const MOST_REPOSITORIES = 100_000

/**
 * Repositories that a registry finds for a term, those with most stars first. A registry that cannot search is asked
 * for the list of its repositories, and those whose names contain the term count. Fails with `FILTER_INVALID`,
 * `REGISTRY_UNAVAILABLE` and the like.
 */
export async function search(household: Household, request: SearchRequest, job: Job): Promise<FoundRepository[]> {
  const { limit = 25, stars = 0, isOfficial } = request
  if (limit < 1 || limit > 100) {
    throw fail('FILTER_INVALID', `limit ${limit} is outside the range of [1, 100]`)
  }
  const { domain, term } = splitTerm(request.term)
  const found = await find(household, { ...request, domain, term, limit }, job)
  return found
    .filter((each) => each.stars >= stars && (isOfficial === undefined || each.isOfficial === isOfficial))
    .sort((a, b) => b.stars - a.stars)
    .slice(0, limit)
}

async function find(
  household: Household,
  request: RegistryWishes & { domain: string; term: string; limit: number },
  job: Job,
): Promise<FoundRepository[]> {
  const { domain, term, limit } = request
  const options = { settings: settingsOf(household, request) }
  try {
    return [...(await searchRegistry(domain, { term, limit }, options, job))]
  } catch (error) {
    if (domain === HUB || !hasCode(error, 'REGISTRY_UNSUPPORTED', 'REGISTRY_INVALID_ANSWER')) throw error
  }
  const found: FoundRepository[] = []
  let seen = 0
  for await (const name of listRepositories(domain, options, job)) {
    if (name.includes(term)) found.push({ name: `${domain}/${name}`, description: '', stars: 0, isOfficial: false })
    if (found.length === limit || ++seen === MOST_REPOSITORIES) break
  }
  return found
}

const HUB = 'docker.io'

/** As in references: what looks like a host is one. */
function splitTerm(text: string): { domain: string; term: string } {
  if (text.includes('://')) {
    throw fail('REFERENCE_INVALID', `invalid repository name: repository name (${text}) should not have a scheme`)
  }
  const slash = text.indexOf('/')
  const first = text.slice(0, Math.max(slash, 0))
  if (!/[.:]/.test(first) && first !== 'localhost') return { domain: HUB, term: text }
  if (!/^[A-Za-z0-9.-]+(?::\d{1,5})?$|^\[[0-9a-fA-F:]+\](?::\d{1,5})?$/.test(first)) {
    throw fail('REFERENCE_INVALID', `invalid registry name: ${first}`)
  }
  const isHub = first === 'docker.io' || first === 'index.docker.io'
  return { domain: isHub ? HUB : first, term: text.slice(slash + 1) }
}
