import { expect, test } from 'vitest'
import { settingsFor } from './docker-registry.suite.ts'
import { searchRegistry } from './index.ts'
import { hasty, reply, startScripted } from './scripted-server.suite.ts'

const options = { settings: settingsFor(), patience: hasty() }

test('a search asks as Docker Hub is asked', async () => {
  const results = [
    { name: 'busybox', description: 'small\u001b[31m\nthings', star_count: 7, is_official: true, is_automated: false },
    { name: 'me/app', description: null },
    'nonsense',
  ]
  await using server = await startScripted((_, response) =>
    reply(response, 200, {}, JSON.stringify({ num_results: 2, results })),
  )
  expect(await searchRegistry(server.domain, { term: 'busy box', limit: 5 }, options)).toEqual([
    { name: 'busybox', description: 'small [31m things', stars: 7, isOfficial: true },
    { name: 'me/app', description: '', stars: 0, isOfficial: false },
  ])
  expect(server.requests).toEqual(['GET /v1/search?q=busy+box&n=5'])
})

test('most registries cannot be searched', async () => {
  await using server = await startScripted((_, response) => reply(response, 404, {}))
  const search = searchRegistry(server.domain, { term: 'x' }, options)
  await expect(search).rejects.toMatchObject({
    code: 'REGISTRY_UNSUPPORTED',
    hint: expect.stringContaining('Docker Hub'),
  })
})

test('an answer that is no list of results is refused', async () => {
  await using server = await startScripted((_, response) => reply(response, 200, {}, '{"results":7}'))
  await expect(searchRegistry(server.domain, { term: 'x' }, options)).rejects.toMatchObject({
    code: 'REGISTRY_INVALID_ANSWER',
  })
})
