import { writeFileSync } from 'node:fs'
import { request as forward } from 'node:http'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { putImage, send, startRegistry, temporaryFolder } from '../fixture.suite.ts'
import { refuse } from '../index.ts'
import type { Part } from '../parts.ts'
import { makeImage, startCache, startUpstream } from './played.suite.ts'
import { proxyPart } from './proxy.ts'
import type { UpstreamState } from './state.ts'

/** The machine may be busy. */
const PATIENTLY = { timeout: 20_000 }

describe('which upstream is asked', () => {
  test('says the prefix, else the namespace; the default one has what is not here', async () => {
    const [one, two] = [await startUpstream(makeImage(10, 1)), await startUpstream(makeImage(10, 2))]
    const cache = await startRegistry({
      parts: [proxyPart],
      config: {
        proxy: {
          upstream: [
            { name: 'one.example', url: `http://${one.domain}` },
            { name: 'two.example:5000', url: `http://${two.domain}`, default: true },
          ],
        },
      },
    })
    const own = await putImage(cache, 'team/own', '1')
    const digestAt = async (at: string): Promise<string | undefined> =>
      (await send(cache, 'GET', at)).headers['docker-content-digest'] as string | undefined
    expect(await digestAt('/v2/one.example/team/app/manifests/1')).toBe(one.image.digest)
    expect(await digestAt('/v2/two.example-5000/team/app/manifests/1')).toBe(two.image.digest)
    expect(await digestAt('/v2/team/app/manifests/1?ns=one.example')).toBe(one.image.digest)
    expect(await digestAt('/v2/team/app/manifests/1?ns=two.example:5000')).toBe(two.image.digest)
    expect(await digestAt('/v2/team/app/manifests/1')).toBe(two.image.digest)
    expect(await digestAt('/v2/team/own/manifests/1')).toBe(own.digest)
    const answer = await send(cache, 'GET', '/v2/team/app/manifests/1?ns=one.example')
    expect(answer.headers['oci-namespace']).toBe('one.example')
    const elsewhere = await send(cache, 'GET', '/v2/team/app/manifests/1?ns=three.example')
    expect([elsewhere.status, elsewhere.code]).toEqual([404, 'NAME_UNKNOWN'])
    const names = await send(cache, 'GET', '/v2/_catalog')
    expect(JSON.parse(names.body.toString())).toEqual({
      repositories: ['one.example/team/app', 'team/own', 'two.example-5000/team/app'],
    })
  })

  test('official images of Docker Hub need not be said to be in library', async () => {
    const hub = await startUpstream()
    const seen: string[] = []
    hub.play = ({ url }, response) => {
      seen.push(url!)
      response.writeHead(404).end()
    }
    const cache = await startCache(hub, { name: 'docker.io', url: `http://${hub.domain}`, prefix: 'docker.io' })
    await send(cache, 'GET', '/v2/docker.io/alpine/manifests/3')
    await send(cache, 'GET', '/v2/team/app/manifests/3?ns=registry-1.docker.io')
    expect(seen).toEqual(['/v2/library/alpine/manifests/3', '/v2/team/app/manifests/3'])
  })

  test('mirrors come first, are told whose they are, and get no credentials', async () => {
    const [mirror, upstream] = [await startUpstream(), await startUpstream()]
    const asked: string[] = []
    mirror.play = ({ url }) => {
      asked.push(url!)
      return false
    }
    upstream.play = (_request, response) =>
      void response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end()
    process.env['PROXY_TEST_PASSWORD'] = 'secret'
    const cache = await startCache(upstream, {
      mirrors: [`http://${mirror.domain}`],
      username: 'me',
      password_env: 'PROXY_TEST_PASSWORD',
    })
    expect((await send(cache, 'GET', '/v2/up/team/app/manifests/1')).status).toBe(200)
    expect(asked[0]).toBe(`/v2/team/app/manifests/1?ns=${encodeURIComponent(upstream.domain)}`)
    expect(mirror.headers.every(({ authorization }) => authorization === undefined)).toBe(true)
    expect(upstream.requests).toEqual([])
  })
})

describe('what is refused', () => {
  test('pushing, in plain words', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    for (const at of ['/v2/up/team/app/blobs/uploads/', `/v2/team/app/blobs/uploads/?ns=${upstream.domain}`]) {
      const answer = await send(cache, 'POST', at)
      expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
      expect(answer.body.toString()).toContain(`push to ${upstream.domain}`)
    }
    const put = await send(cache, 'PUT', '/v2/up/team/app/manifests/1', { body: upstream.image.manifest })
    expect(put.code).toBe('DENIED')
    expect((await putImage(cache, 'own/app', '1')).digest).toBeTruthy()
    expect(upstream.requests).toEqual([])
  })

  test('repositories that are not passed on', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream, { repositories: ['team/*', 'library/**'] })
    expect((await send(cache, 'GET', '/v2/up/team/app/manifests/1')).status).toBe(200)
    const answer = await send(cache, 'GET', '/v2/up/other/app/manifests/1')
    expect([answer.status, answer.code]).toEqual([403, 'DENIED'])
    expect(upstream.requests.every((line) => line.includes('/v2/team/app/'))).toBe(true)
  })

  test('a request that comes from itself', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream, { timeout: 5000 })
    const statuses: (number | undefined)[] = []
    upstream.play = ({ url, headers, method }, response) => {
      const inner = forward(`${cache.url}${url!.replace('/v2/', '/v2/up/')}`, {
        method: method!,
        headers,
        agent: false,
      })
      inner.on('response', (answer) => {
        statuses.push(answer.statusCode)
        response.writeHead(answer.statusCode!, answer.headers)
        answer.pipe(response)
      })
      inner.end()
    }
    expect((await send(cache, 'GET', '/v2/up/team/app/manifests/1')).status).toBe(503)
    expect(new Set(statuses)).toEqual(new Set([508]))
  })

  test('taking out of the cache is not: it is fetched again', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    await send(cache, 'GET', '/v2/up/team/app/manifests/1')
    expect((await send(cache, 'DELETE', `/v2/up/team/app/manifests/${upstream.image.digest}`)).status).toBe(202)
    expect((await send(cache, 'GET', '/v2/up/team/app/manifests/1')).body).toEqual(upstream.image.manifest)
  })
})

describe('who may see what', () => {
  const guard: Part = () => ({
    authorize: ({ action, repository, request }) => {
      if (action === 'ping') return {}
      if (request.headers.authorization === 'Basic Y2xpZW50OnB3' && repository?.startsWith('up/'))
        return { user: 'client' }
      return refuse('UNAUTHORIZED', 'authentication required', {
        headers: { 'WWW-Authenticate': 'Basic realm="cache"' },
      })
    },
  })

  test('the rights of the cache decide, for cached content too, by the names that things have here', async () => {
    const upstream = await startUpstream()
    const cache = await startRegistry({
      parts: [guard, proxyPart],
      config: { proxy: { upstream: [{ name: upstream.domain, prefix: 'up', default: true }] } },
    })
    const headers = { authorization: 'Basic Y2xpZW50OnB3' }
    for (const at of ['/v2/up/team/app/manifests/1', '/v2/team/app/manifests/1']) {
      expect((await send(cache, 'GET', at)).status).toBe(401)
      expect((await send(cache, 'GET', at, { headers })).status).toBe(200)
      expect((await send(cache, 'GET', at)).status).toBe(401)
    }
    const blob = `/v2/up/team/app/blobs/${upstream.image.configDigest}`
    expect((await send(cache, 'GET', blob)).status).toBe(401)
    expect((await send(cache, 'GET', blob, { headers })).body).toEqual(upstream.image.config)
    expect((await send(cache, 'POST', '/v2/up/team/app/blobs/uploads/')).status).toBe(401)
    expect(upstream.headers.length).toBeGreaterThan(0)
    expect(upstream.headers.every(({ authorization }) => authorization === undefined)).toBe(true)
  })

  test('the cache has a password of its own, which clients never hear of', async () => {
    const upstream = await startUpstream()
    const folder = temporaryFolder()
    const password_file = path.join(folder, 'password')
    writeFileSync(password_file, 'secret\n')
    const expected = `Basic ${Buffer.from('cache:secret').toString('base64')}`
    upstream.play = ({ headers }, response) => {
      if (headers.authorization === expected) return false
      response.writeHead(401, { 'www-authenticate': 'Basic realm="upstream"' }).end()
      return true
    }
    const cache = await startCache(upstream, { username: 'cache', password_file })
    const headers = { authorization: 'Basic bWU6bWluZQ==' }
    const answer = await send(cache, 'GET', '/v2/up/team/app/manifests/1', { headers })
    expect(answer.status).toBe(200)
    expect(JSON.stringify(answer.headers)).not.toMatch(/secret|authenticate/i)
    expect(new Set(upstream.headers.map(({ authorization }) => authorization))).toEqual(new Set([undefined, expected]))
    writeFileSync(password_file, 'wrong')
    const other = await startCache(upstream, { username: 'cache', password_file })
    const refused = await send(other, 'GET', '/v2/up/team/app/manifests/1')
    expect([refused.status, refused.code]).toEqual([403, 'DENIED'])
    expect(refused.headers['www-authenticate']).toBeUndefined()
    expect(refused.body.toString()).not.toContain('wrong')
  })
})

describe('lists', () => {
  test('tags are those of the upstream, page by page; those that are here when it is away', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream, { fresh: 0 })
    const list = async (at: string) => {
      const answer = await send(cache, 'GET', at)
      return { ...answer, tags: (JSON.parse(answer.body.toString()) as { tags: string[] }).tags }
    }
    expect((await list('/v2/up/team/app/tags/list')).tags).toEqual(['1', 'b'])
    const first = await list(`/v2/team/app/tags/list?n=1&ns=${upstream.domain}`)
    expect(first.tags).toEqual(['1'])
    const next = /<([^>]+)>/.exec(first.headers.link as string)![1]!
    expect((await list(next)).tags).toEqual(['b'])
    await send(cache, 'GET', '/v2/up/team/app/manifests/1')
    await upstream.stop()
    const stale = await list('/v2/up/team/app/tags/list')
    expect(stale.tags).toEqual(['1'])
    expect(stale.headers.warning).toMatch(/^299 - /)
    expect((await send(cache, 'GET', '/v2/up/team/unknown/tags/list')).status).toBe(503)
  })

  test('referrers are passed through', async () => {
    const subject = makeImage(10, 3).digest
    const entry = { mediaType: 'application/vnd.oci.image.manifest.v1+json', size: 7, artifactType: 'a/b' }
    const manifests = [
      { ...entry, digest: makeImage(10, 4).digest },
      { ...entry, digest: makeImage(10, 5).digest, artifactType: 'c/d', annotations: { x: 'y' } },
    ]
    const upstream = await startUpstream()
    upstream.play = ({ url }, response) => {
      if (!url!.includes('/referrers/')) return false
      response.writeHead(200, { 'content-type': 'application/vnd.oci.image.index.v1+json' })
      response.end(JSON.stringify({ schemaVersion: 2, manifests }))
    }
    const cache = await startCache(upstream)
    const list = async (query: string): Promise<unknown> => {
      const { body } = await send(cache, 'GET', `/v2/up/team/app/referrers/${subject}${query}`)
      return (JSON.parse(body.toString()) as { manifests: unknown }).manifests
    }
    expect(await list('')).toEqual(manifests.toSorted((a, b) => (a.digest < b.digest ? -1 : 1)))
    expect(await list('?artifactType=c/d')).toEqual([manifests[1]])
    expect(upstream.requests).toHaveLength(1)
  })
})

describe('how upstreams are doing', () => {
  test('can be asked: reachable or not, and what was saved', async () => {
    let upstreams: () => readonly UpstreamState[] = () => []
    const watch: Part = (context) => {
      upstreams = context.upstreams
      return {}
    }
    const upstream = await startUpstream()
    const cache = await startRegistry({
      parts: [watch, proxyPart],
      config: { proxy: { upstream: [{ name: upstream.domain, prefix: 'up', fresh: 0 }] } },
    })
    expect(upstreams()).toMatchObject([{ name: upstream.domain, prefix: 'up', hits: 0, misses: 0 }])
    expect(upstreams()[0]).not.toHaveProperty('isReachable')
    const { layer, layerDigest } = upstream.image
    await send(cache, 'GET', '/v2/up/team/app/manifests/1')
    for (let count = 0; count < 3; count++) await send(cache, 'GET', `/v2/up/team/app/blobs/${layerDigest}`)
    // what was sent is counted when it has left
    await expect.poll(() => upstreams()[0]!.bytesSaved, PATIENTLY).toBe(2 * layer.length)
    const counted = { isReachable: true, hits: 2, misses: 2, bytesFetched: layer.length, downloads: 0 }
    expect(upstreams()).toMatchObject([counted])
    await upstream.stop()
    await send(cache, 'GET', '/v2/up/team/app/manifests/1')
    expect(upstreams()).toMatchObject([{ isReachable: false, stale: 1, lastError: expect.any(String) }])
  })
})

describe('a wrong configuration', () => {
  test.each([
    ['two of a name', [{ name: 'a' }, { name: 'a', prefix: 'b' }]],
    ['a prefix below another', [{ name: 'a' }, { name: 'b', prefix: 'a/b' }]],
    ['two of a prefix', [{ name: 'a' }, { name: 'b', prefix: 'a' }]],
    [
      'two defaults',
      [
        { name: 'a', default: true },
        { name: 'b', default: true },
      ],
    ],
    ['a name that is no prefix', [{ name: '[::1]:5000' }]],
    ['a user without a password', [{ name: 'a', username: 'x' }]],
    ['a password that is not there', [{ name: 'a', username: 'x', password_env: 'NOBODY_SETS_THIS' }]],
    ['a file that is not there', [{ name: 'a', ca: '/does/not/exist' }]],
    ['two passwords', [{ name: 'a', username: 'x', password_env: 'A', password_file: 'b' }]],
  ])('is refused: %s', async (_what, upstream) => {
    await expect(startRegistry({ parts: [proxyPart], config: { proxy: { upstream } } })).rejects.toMatchObject({
      code: 'REGISTRY_CONFIG_INVALID',
    })
  })
})
