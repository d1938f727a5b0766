import { fail, isJsonObject, type Job, parseJson } from '../core/index.ts'
import type { Connection, Question } from './connection.ts'
import { MOST_BYTES } from './connection.ts'
import { shown } from './http/failure.ts'
import { locate } from './http/location.ts'
import type { Reply } from './http/reply.ts'

const MOST_PAGES = 10_000
const LINK = /<([^<>]*)>((?:\s*;\s*[^\s=;,"]+\s*(?:=\s*(?:"[^"]*"|[^\s;,"]*))?)*)/g

/** The address behind `rel="next"` of a `Link` header (RFC 8288), relative perhaps. */
export function nextLink(header: string | readonly string[] | undefined): string | undefined {
  const text = (typeof header === 'string' ? header : (header ?? []).join(', ')).slice(0, 16_384)
  for (const [, target, parameters] of text.matchAll(LINK)) {
    if (/;\s*rel\s*=\s*(?:"(?:[^"]*\s)?next(?:\s[^"]*)?"|next(?![^\s;,]))/i.test(parameters!)) return target
  }
  return undefined
}

/** Asks for page after page of a list. Fails with `REGISTRY_INVALID_ANSWER` when a page comes twice. */
export async function* pages(server: Connection, question: Question, job: Job): AsyncIterable<Reply> {
  const seen = new Set<string>()
  let next: Question | undefined = question
  while (next) {
    const reply: Reply = await server.ask(next, job)
    yield reply
    seen.add(reply.url.href)
    const link = reply.status === 200 ? nextLink(reply.headers['link']) : undefined
    if (link === undefined) return
    const to = locate(link, reply.url)
    if (to.host !== reply.url.host) {
      throw fail('REGISTRY_INVALID_ANSWER', `${shown(reply.url)}: the next page is on another host (${to.host})`)
    }
    if (seen.has(to.href) || seen.size >= MOST_PAGES) {
      throw fail('REGISTRY_INVALID_ANSWER', `${shown(reply.url)}: the pages of the list lead back to themselves`)
    }
    const { query: _onlyOfTheFirst, ...rest }: Question = question
    next = { ...rest, to }
  }
}

/** The texts in one field of a page; old registries write null for none. Fails with `REGISTRY_INVALID_ANSWER`. */
export function textsOf(reply: Reply, field: string): string[] {
  const value = parseJson(reply.body, { what: 'list of the registry', maxBytes: MOST_BYTES })
  const list = isJsonObject(value) ? (value[field] ?? []) : undefined
  if (Array.isArray(list) && list.every((item) => typeof item === 'string')) return list
  throw fail('REGISTRY_INVALID_ANSWER', `${shown(reply.url)}: the registry answered no list of ${field}`)
}
