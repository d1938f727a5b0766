import type { Job } from '../core/index.ts'
import { pages, textsOf } from './paging.ts'
import type { Route } from './route.ts'

/** Tags that clients make to list referrers (see `referrersTag`): no names of images. */
const OF_REFERRERS = /^(?:sha256|sha384|sha512)-[a-f0-9]{64}$/

/** All tags of a repository, page by page, each sorted. One that nothing was pushed to has none. */
export async function* listTags(route: Route, job: Job): AsyncIterable<string> {
  const server = await route.own()
  const question = {
    method: 'GET',
    to: `/${server.endpoint.repository}/tags/list`,
    query: [['n', '1000']],
    scopes: route.scopes(server, 'pull'),
    about: route.about('repository', route.familiar()),
    expects: [200, 404],
  } as const
  for await (const page of pages(server, question, job)) {
    if (page.status !== 200) return
    const tags = textsOf(page, 'tags').filter((tag) => !OF_REFERRERS.test(tag))
    yield* tags.sort()
  }
}
