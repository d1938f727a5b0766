import { describe, expect, test } from 'vitest'
import { type Answer, putBlob, putImage, send, startRegistry } from '../fixture.suite.ts'

const json = ({ body }: Answer): unknown => JSON.parse(body.toString())

describe('ping', () => {
  test.each(['/v2/', '/v2'])('%s answers old clients as well', async (at) => {
    const server = await startRegistry()
    const answer = await send(server, 'GET', at)
    expect(answer).toMatchObject({ status: 200, headers: { 'docker-distribution-api-version': 'registry/2.0' } })
    expect(json(answer)).toEqual({})
    expect(await send(server, 'HEAD', at)).toMatchObject({ status: 200, headers: { 'content-length': '2' } })
  })
})

describe('tags', () => {
  test('come sorted by their bytes, in pages', async () => {
    const server = await startRegistry()
    for (const tag of ['b', 'a', 'B', '_', '10', '9']) await putImage(server, 'x', tag)
    const sorted = ['10', '9', 'B', '_', 'a', 'b']
    expect(json(await send(server, 'GET', '/v2/x/tags/list'))).toEqual({ name: 'x', tags: sorted })
    const page = await send(server, 'GET', '/v2/x/tags/list?n=2')
    expect(json(page)).toEqual({ name: 'x', tags: ['10', '9'] })
    expect(page.headers['link']).toBe('</v2/x/tags/list?n=2&last=9>; rel="next"')
    const end = await send(server, 'GET', '/v2/x/tags/list?n=4&last=9')
    expect(json(end)).toEqual({ name: 'x', tags: sorted.slice(2) })
    expect(end.headers['link']).toBeUndefined()
    expect(json(await send(server, 'GET', '/v2/x/tags/list?last=A'))).toEqual({ name: 'x', tags: sorted.slice(2) })
    expect(json(await send(server, 'GET', '/v2/x/tags/list?n=0'))).toEqual({ name: 'x', tags: [] })
  })

  test('of a repository that is not there', async () => {
    const server = await startRegistry()
    expect(await send(server, 'GET', '/v2/x/tags/list')).toMatchObject({ status: 404, code: 'NAME_UNKNOWN' })
  })

  test('the server gives at most its own limit', async () => {
    const server = await startRegistry({ config: { limits: { page: 2 } } })
    for (const tag of ['1', '2', '3']) await putImage(server, 'x', tag)
    for (const query of ['', '?n=2147483648', '?n=3']) {
      const answer = await send(server, 'GET', `/v2/x/tags/list${query}`)
      expect(json(answer)).toEqual({ name: 'x', tags: ['1', '2'] })
      expect(answer.headers['link']).toContain('last=2')
    }
  })

  test.each(['-1', 'x', '1.5', '', '9'.repeat(20)])('n=%s is no number of results', async (n) => {
    const server = await startRegistry()
    await putImage(server, 'x', '1')
    const answer = await send(server, 'GET', `/v2/x/tags/list?n=${n}`)
    expect(answer).toMatchObject({ status: 400, code: 'PAGINATION_NUMBER_INVALID' })
  })
})

test('the catalog lists repositories that hold something, in pages', async () => {
  const server = await startRegistry()
  for (const name of ['b', 'a/x', 'a']) await putImage(server, name, '1')
  await putBlob(server, 'only-blobs', 'x')
  await send(server, 'POST', '/v2/only-upload/blobs/uploads/')
  expect(json(await send(server, 'GET', '/v2/_catalog'))).toEqual({ repositories: ['a', 'a/x', 'b', 'only-blobs'] })
  const page = await send(server, 'GET', '/v2/_catalog?n=2&last=a')
  expect(json(page)).toEqual({ repositories: ['a/x', 'b'] })
  expect(page.headers['link']).toBe('</v2/_catalog?n=2&last=b>; rel="next"')
})

test('extensions can be found out', async () => {
  const server = await startRegistry()
  for (const at of ['/v2/_oci/ext/discover', '/v2/a/b/_oci/ext/discover']) {
    const { extensions } = json(await send(server, 'GET', at)) as { extensions: { name: string }[] }
    expect(extensions.map(({ name }) => name)).toContain('_catalog')
  }
})

describe('other requests', () => {
  test.each([
    ['POST', '/v2/', 405, 'UNSUPPORTED'],
    ['PUT', '/v2/a/tags/list', 405, 'UNSUPPORTED'],
    ['PATCH', '/v2/a/manifests/x', 405, 'UNSUPPORTED'],
    ['GET', '/v2/a/blobs/uploads/', 405, 'UNSUPPORTED'],
    ['GET', '/v2/a', 404, 'UNSUPPORTED'],
    ['GET', '/elsewhere', 404, 'UNSUPPORTED'],
    ['GET', '/v2/UPPER/tags/list', 400, 'NAME_INVALID'],
    ['GET', '/v2/a%00b/tags/list', 400, 'NAME_INVALID'],
    ['GET', `/v2/a/tags/list?last=${'x'.repeat(17_000)}`, 414, 'UNSUPPORTED'],
  ])('%s %.30s answers %d', async (method, at, status, code) => {
    const server = await startRegistry()
    const answer = await send(server, method, at)
    expect(answer).toMatchObject({ status, code })
    if (status === 405) expect(answer.headers['allow']).toBeDefined()
  })

  test('headers without end are refused', async () => {
    const server = await startRegistry()
    const answer = await send(server, 'GET', '/v2/', { headers: { 'x-long': 'x'.repeat(40_000) } })
    expect(answer.status).toBe(431)
  })
})
