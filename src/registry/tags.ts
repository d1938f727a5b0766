import type { Job } from '../core/index.ts'
import type { Connection, Question } from './connection.ts'
import { pages, textsOf } from './paging.ts'
import type { Route } from './route.ts'

/** Tags that clients make to list referrers (see `referrersTag`): no names of images. */
const OF_REFERRERS = /^(?:sha256|sha384|sha512)-[a-f0-9]{64}$/

/** Whether the registry has a list of tags for a repository, be it empty. */
export async function isKnown(route: Route, job: Job): Promise<boolean> {
  const server = await route.own()
  const { status } = await server.ask(listing(route, server, '1'), job)
  return status === 200
}

/** All tags of a repository, page by page, each sorted. One that nothing was pushed to has none. */
export async function* listTags(route: Route, job: Job): AsyncIterable<string> {
  const server = await route.own()
  for await (const page of pages(server, listing(route, server, '1000'), job)) {
    if (page.status !== 200) return
    const tags = textsOf(page, 'tags').filter((tag) => !OF_REFERRERS.test(tag))
    yield* tags.sort()
  }
}

function listing(route: Route, server: Connection, most: string): Question {
  return {
    method: 'GET',
    to: `/${server.endpoint.repository}/tags/list`,
    query: [['n', most]],
    scopes: route.scopes(server, 'pull'),
    about: route.about('repository', route.familiar()),
    expects: [200, 404],
  }
}
