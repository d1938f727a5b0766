import { describe, expect, test } from 'vitest'
import { send } from '../fixture.suite.ts'
import { makeImage, startCache, startUpstream } from './played.suite.ts'

const AT = '/v2/up/team/app'

describe('a manifest of an upstream', () => {
  test('is fetched once, by HEAD and GET, and answered as it is there', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    const [first, ...others] = await Promise.all([1, 2, 3, 4].map(() => send(cache, 'GET', `${AT}/manifests/1`)))
    expect(first!.status).toBe(200)
    expect(first!.body).toEqual(upstream.image.manifest)
    expect(first!.headers['docker-content-digest']).toBe(upstream.image.digest)
    for (const other of others) expect(other.body).toEqual(upstream.image.manifest)
    const again = await send(cache, 'GET', `${AT}/manifests/${upstream.image.digest}`)
    expect(again.body).toEqual(upstream.image.manifest)
    expect(upstream.requests).toEqual([
      'HEAD /v2/team/app/manifests/1',
      `GET /v2/team/app/manifests/${upstream.image.digest}`,
    ])
  })

  test('is only asked about for HEAD', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    const answer = await send(cache, 'HEAD', `${AT}/manifests/1`)
    expect(answer.status).toBe(200)
    expect(answer.headers['docker-content-digest']).toBe(upstream.image.digest)
    expect(answer.headers['content-length']).toBe(String(upstream.image.manifest.length))
    expect(upstream.requests).toEqual(['HEAD /v2/team/app/manifests/1'])
    await send(cache, 'GET', `${AT}/manifests/${upstream.image.digest}`)
    expect(upstream.requests).toHaveLength(2)
  })

  test('is looked at again when it is not fresh any more', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream, { fresh: 0 })
    await send(cache, 'GET', `${AT}/manifests/1`)
    await send(cache, 'GET', `${AT}/manifests/1`)
    expect(upstream.requests.filter((line) => line.startsWith('GET'))).toHaveLength(1)
    const next = makeImage(1000, 2)
    upstream.publish(next)
    expect((await send(cache, 'GET', `${AT}/manifests/1`)).body).toEqual(next.manifest)
    expect((await send(cache, 'GET', `${AT}/manifests/${upstream.image.digest}`)).status).toBe(200)
  })

  test('that is another one than its digest says is not stored', async () => {
    const upstream = await startUpstream()
    upstream.play = ({ method }, response) => {
      if (method !== 'GET') return false
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.manifest.v1+json' })
      response.end(makeImage(10, 7).manifest)
      return true
    }
    const cache = await startCache(upstream)
    const answer = await send(cache, 'GET', `${AT}/manifests/${upstream.image.digest}`)
    expect([answer.status, answer.code]).toEqual([502, 'UNAVAILABLE'])
    upstream.play = () => false
    expect((await send(cache, 'GET', `${AT}/manifests/${upstream.image.digest}`)).status).toBe(200)
  })

  test('that is not there is not asked for again for a while', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    for (let count = 0; count < 3; count++) {
      const answer = await send(cache, 'GET', `${AT}/manifests/nope`)
      expect([answer.status, answer.code]).toEqual([404, 'MANIFEST_UNKNOWN'])
    }
    expect(upstream.requests).toEqual(['HEAD /v2/team/app/manifests/nope'])
    const impatient = await startCache(upstream, { missing: 0 })
    for (let count = 0; count < 2; count++) await send(impatient, 'GET', `${AT}/manifests/nope`)
    expect(upstream.requests).toHaveLength(3)
  })

  test('whose tag is gone there is gone here', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream, { fresh: 0, missing: 0 })
    await send(cache, 'GET', `${AT}/manifests/1`)
    upstream.play = (_request, response) => void response.writeHead(404).end()
    expect((await send(cache, 'GET', `${AT}/manifests/1`)).status).toBe(404)
    await upstream.stop()
    expect((await send(cache, 'GET', `${AT}/manifests/1`)).status).toBe(503)
  })

  test('is not asked for by a reference that is none', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    expect((await send(cache, 'GET', `${AT}/manifests/..%2F..`)).status).toBeGreaterThanOrEqual(400)
    expect((await send(cache, 'GET', `${AT}/manifests/-x`)).status).toBe(404)
    expect(upstream.requests).toEqual([])
  })
})

describe('an upstream that fails', () => {
  test.each([
    ['is gone', 503, 'UNAVAILABLE'],
    ['answers 500', 503, 'UNAVAILABLE'],
    ['answers 429', 429, 'TOOMANYREQUESTS'],
  ])('and %s: what is here is answered, with a warning; what is not, not', async (how, status, code) => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream, { fresh: 0 })
    await send(cache, 'GET', `${AT}/manifests/1`)
    if (how === 'is gone') await upstream.stop()
    upstream.play = (_request, response) => {
      response.writeHead(how === 'answers 429' ? 429 : 500, { 'retry-after': '3600', 'content-type': 'text/plain' })
      response.end('no')
    }
    for (const method of ['GET', 'HEAD', 'GET']) {
      const stale = await send(cache, method, `${AT}/manifests/1`)
      expect(stale.status).toBe(200)
      expect(stale.headers['docker-content-digest']).toBe(upstream.image.digest)
      expect(stale.headers.warning).toMatch(/^299 - ".*may be out of date"$/)
    }
    const unknown = await send(cache, 'GET', `${AT}/manifests/2`)
    expect([unknown.status, unknown.code]).toEqual([status, code])
    expect(unknown.headers['retry-after'] !== undefined).toBe(status === 429)
    expect(unknown.body.toString()).not.toContain('connect')
  })

  test('that asks for patience gets it', async () => {
    const upstream = await startUpstream()
    upstream.play = (_request, response) => void response.writeHead(429, { 'retry-after': '3600' }).end()
    const cache = await startCache(upstream)
    await send(cache, 'GET', `${AT}/manifests/a`)
    const asked = upstream.requests.length
    const answer = await send(cache, 'GET', `${AT}/manifests/b`)
    expect(answer.status).toBe(429)
    expect(Number(answer.headers['retry-after'])).toBeGreaterThan(3000)
    expect(upstream.requests).toHaveLength(asked)
  })

  test('that refuses us is not believed to be away', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream, { fresh: 0 })
    await send(cache, 'GET', `${AT}/manifests/1`)
    upstream.play = (_request, response) => void response.writeHead(403).end()
    const answer = await send(cache, 'GET', `${AT}/manifests/1`)
    expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
  })
})

test('a tag that was asked about by HEAD belongs to the manifest that is then fetched by its digest', async () => {
  const upstream = await startUpstream()
  const cache = await startCache(upstream, { fresh: 0 })
  await send(cache, 'HEAD', `${AT}/manifests/1`)
  await send(cache, 'GET', `${AT}/manifests/${upstream.image.digest}`)
  await upstream.stop()
  expect((await send(cache, 'GET', `${AT}/manifests/1`)).body).toEqual(upstream.image.manifest)
})

test('an upstream that says nothing holds nobody up who can be answered from here', async () => {
  const upstream = await startUpstream()
  const cache = await startCache(upstream, { fresh: 0, timeout: 300 })
  await send(cache, 'GET', `${AT}/manifests/1`)
  upstream.play = () => true
  const asked = upstream.requests.length
  for (let count = 0; count < 3; count++) {
    const stale = await send(cache, 'GET', `${AT}/manifests/1`)
    expect(stale.headers.warning).toMatch(/^299 - /)
  }
  expect(upstream.requests.length).toBeLessThan(asked + 3)
})

test('who asks by HEAD, because he has the content, is answered when the upstream is away; others are not', async () => {
  const upstream = await startUpstream()
  const cache = await startCache(upstream, { fresh: 0 })
  await send(cache, 'HEAD', `${AT}/manifests/1`)
  await upstream.stop()
  const stale = await send(cache, 'HEAD', `${AT}/manifests/1`)
  expect([stale.status, stale.headers['docker-content-digest']]).toEqual([200, upstream.image.digest])
  expect(stale.headers.warning).toMatch(/^299 - /)
  expect((await send(cache, 'GET', `${AT}/manifests/1`)).status).toBe(503)
})
