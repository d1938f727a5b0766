import { refuse } from '../failure.ts'
import type { Exchange } from './exchange.ts'

/** `GET /v2/`. */
export function ping(exchange: Exchange): void {
  exchange.json({}, { 'Docker-Distribution-Api-Version': 'registry/2.0' })
}

/** `GET /v2/_catalog`. */
export function listRepositories(exchange: Exchange): void {
  const { storage } = exchange.context
  const { entries, headers } = page(exchange, '/v2/_catalog', (last, limit) => storage.repositories({ last, limit }))
  exchange.json({ repositories: entries }, headers)
}

/** `GET` of the tags of a repository. */
export function listTags(exchange: Exchange, { repository }: { repository: string }): void {
  const storage = exchange.context.storage.repository(repository)
  if (!storage.exists())
    throw refuse('NAME_UNKNOWN', 'repository name not known to registry', { detail: { name: repository } })
  const path = `/v2/${repository}/tags/list`
  const { entries, headers } = page(exchange, path, (last, limit) => storage.tags({ last, limit }))
  exchange.json({ name: repository, tags: entries }, headers)
}

/** `GET` of what this server has beyond the protocol (distribution spec, "Extensions"). */
export function listExtensions(exchange: Exchange): void {
  const url = 'https://github.com/opencontainers/distribution-spec/tree/main/extensions'
  const extensions = [
    { name: '_oci', url, description: 'which extensions there are', endpoints: ['_oci/ext/discover'] },
    { name: '_catalog', url, description: 'names of all repositories', endpoints: ['_catalog'] },
  ]
  exchange.json({ extensions })
}

/** How many entries the caller wants, at most what the server gives. Fails with `PAGINATION_NUMBER_INVALID`. */
export function wantedCount(exchange: Exchange): number {
  const most = exchange.context.limits.page
  const n = exchange.query.get('n')
  if (n === null) return most
  if (!/^\d{1,15}$/.test(n))
    throw refuse('PAGINATION_NUMBER_INVALID', 'invalid number of results requested', { detail: { n: n.slice(0, 100) } })
  return Math.min(most, Number(n))
}

/** The header that leads to the next page. */
export function nextPage(path: string, query: Record<string, string>): { Link: string } {
  return { Link: `<${path}?${new URLSearchParams(query)}>; rel="next"` }
}

function page(
  exchange: Exchange,
  path: string,
  list: (last: string | undefined, limit: number) => string[],
): { entries: string[]; headers: Record<string, string> } {
  const count = wantedCount(exchange)
  if (count === 0) return { entries: [], headers: {} }
  const found = list(exchange.query.get('last') ?? undefined, count + 1)
  const entries = found.slice(0, count)
  const hasMore = found.length > count
  return { entries, headers: hasMore ? nextPage(path, { n: String(count), last: entries.at(-1)! }) : {} }
}
