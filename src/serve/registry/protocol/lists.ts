import { ProtocolFailure, refuse } from '../failure.ts'
import type { Exchange } from './exchange.ts'

/** `GET /v2/`. */
export function ping(exchange: Exchange): void {
  exchange.json({}, { 'Docker-Distribution-Api-Version': 'registry/2.0' })
}

/** `GET /v2/_catalog`: of all repositories those that the caller may pull. */
export async function listRepositories(exchange: Exchange): Promise<void> {
  const count = wantedCount(exchange)
  const found = count === 0 ? [] : await visibleRepositories(exchange, count + 1)
  const repositories = found.slice(0, count)
  const hasMore = found.length > count
  const headers = hasMore ? nextPage('/v2/_catalog', { n: String(count), last: repositories.at(-1)! }) : {}
  exchange.json({ repositories }, headers)
}

async function visibleRepositories({ context, request, query }: Exchange, limit: number): Promise<string[]> {
  const visible: string[] = []
  for (let last = query.get('last') ?? undefined; visible.length < limit; ) {
    const names = context.storage.repositories({ last, limit })
    for (const repository of names) {
      const decision = await context.authorize({ action: 'catalog', repository, isProbe: true, request })
      if (!(decision instanceof ProtocolFailure)) visible.push(repository)
    }
    if (names.length < limit) break
    last = names.at(-1)
  }
  return visible.slice(0, limit)
}

/** `GET` of the tags of a repository. */
export function listTags(exchange: Exchange, { repository }: { repository: string }): void {
  const storage = exchange.context.storage.repository(repository)
  if (!storage.exists())
    throw refuse('NAME_UNKNOWN', 'repository name not known to registry', { detail: { name: repository } })
  sendTags(exchange, repository, (last, limit) => storage.tags({ last, limit }))
}

/** Answers with a page of tags; `list` gives those after `last`. `repository` is the name that was asked for. */
export function sendTags(
  exchange: Exchange,
  repository: string,
  list: (last: string | undefined, limit: number) => string[],
): void {
  const { entries, headers } = page(exchange, `/v2/${repository}/tags/list`, list)
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

/** The registry that the caller says it is about, which the next page must be about as well. */
export function namespaceOf(exchange: Exchange): { ns?: string } {
  const ns = exchange.query.get('ns')
  return ns === null ? {} : { ns }
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
  const query = { n: String(count), last: entries.at(-1)!, ...namespaceOf(exchange) }
  return { entries, headers: hasMore ? nextPage(path, query) : {} }
}
