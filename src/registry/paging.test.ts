import { describe, expect, test } from 'vitest'
import { listed } from '../oci/repository.suite.ts'
import { settingsFor } from './docker-registry.suite.ts'
import { listRepositories } from './index.ts'
import { nextLink } from './paging.ts'
import { hasty, openAt, reply, type Script, startScripted } from './scripted-server.suite.ts'

test.each<[string | undefined, string | undefined]>([
  [undefined, undefined],
  ['</v2/a?n=1>; rel="next"', '/v2/a?n=1'],
  ['</v2/a?n=1>;rel=next', '/v2/a?n=1'],
  ['</a>; rel="prev", </b>; rel="next"', '/b'],
  ['</a,b>; rel="next"', '/a,b'],
  ['</a>; title="x, y"; rel="first next"', '/a'],
  ['</a>; REL="Next"', '/a'],
  ['</a>; rel="nextish"', undefined],
  ['</a>', undefined],
  ['rel="next"', undefined],
  [`<${'a'.repeat(20_000)}>; rel="next"`, undefined],
])('the next page of %s is %s', (header, expected) => {
  expect(nextLink(header)).toBe(expected)
})

async function tags(script: Script): Promise<string[]> {
  await using server = await startScripted(script)
  return await listed(openAt(server.domain).tags())
}

describe('lists', () => {
  test('come page by page', async () => {
    const found = await tags((request, response) => {
      const last = new URL(request.url!, 'http://x').searchParams.get('last')
      if (last === 'b') reply(response, 200, {}, '{"name":"app","tags":["c"]}')
      else
        reply(response, 200, { link: '</v2/app/tags/list?n=2&last=b>; rel="next"' }, '{"name":"app","tags":["b","a"]}')
    })
    expect(found).toEqual(['a', 'b', 'c'])
  })

  test('may be null, as old registries write it', async () => {
    expect(await tags((_, response) => reply(response, 200, {}, '{"name":"app","tags":null}'))).toEqual([])
  })

  test.each(['[]', '{"tags":{}}', '{"tags":[1]}', 'x'])('are refused when they are %s', async (body) => {
    await expect(tags((_, response) => reply(response, 200, {}, body))).rejects.toMatchObject({
      code: expect.stringMatching(/REGISTRY_INVALID_ANSWER|JSON_INVALID/),
    })
  })

  test('that lead back to themselves end', async () => {
    const loop: Script = (_, response) =>
      reply(response, 200, { link: '</v2/app/tags/list?n=1>; rel="next"' }, '{"tags":["a"]}')
    await expect(tags(loop)).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
  })

  test.each(['http://169.254.169.254/latest', 'http://127.0.0.1:1/x', 'file:///x', 'http://['])(
    'do not lead to %s',
    async (url) => {
      const away: Script = (_, response) => reply(response, 200, { link: `<${url}>; rel="next"` }, '{"tags":["a"]}')
      await expect(tags(away)).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
    },
  )

  test('of repositories', async () => {
    await using server = await startScripted((_, response) => reply(response, 200, {}, '{"repositories":["a","b/c"]}'))
    const found = listRepositories(server.domain, { settings: settingsFor(), patience: hasty() })
    expect(await listed(found)).toEqual(['a', 'b/c'])
    expect(server.requests).toEqual(['GET /v2/_catalog?n=1000'])
  })
})
