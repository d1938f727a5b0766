import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type GuardedRegistry, guardedRegistry } from './fixture.suite.ts'

let registry: GuardedRegistry
let secretBlob: string
let publicBlob: string

beforeAll(async () => {
  registry = await guardedRegistry(['alice', 'root'], {
    rule: [
      { repository: ['public/**'], who: ['anonymous'], actions: ['pull'] },
      { repository: ['alice/**'], who: ['alice'], actions: ['pull', 'push'] },
      { repository: ['**'], who: ['root'], actions: ['*'] },
    ],
  })
  secretBlob = (await registry.push('secret/app', 'v1', 'root:pw-root')).config
  publicBlob = (await registry.push('public/app', 'v1', 'root:pw-root')).config
  // Names that contain the words of the protocol.
  for (const name of ['secret/blobs/uploads/x', 'public/manifests/x', 'a/blobs/b', 'secret/tags/list']) {
    await registry.push(name, 'v1', 'root:pw-root')
  }
})
afterAll(() => registry[Symbol.asyncDispose]())

describe('paths that try to be about another repository than they name', () => {
  test.each([
    '/v2/public/../secret/app/manifests/v1',
    '/v2/public/%2e%2e/secret/app/manifests/v1',
    '/v2/public/..%2fsecret/app/manifests/v1',
    '/v2/public%2f..%2fsecret%2fapp/manifests/v1',
    '/v2/secret%2fapp/manifests/v1',
    '/v2/secret/app%2fmanifests%2fv1',
    '/v2/public/app/manifests/../../../secret/app/manifests/v1',
    '/v2/public/app/manifests/v1/../../../../secret/app/manifests/v1',
    '/v2/public//../secret/app/manifests/v1',
    '/v2//secret/app/manifests/v1',
    '/v2/./secret/app/manifests/v1',
    '/v2/secret/app/manifests/v1?name=public/app',
    '/v2/secret/app/manifests/v1?repository=public/app#/v2/public/app',
    '/v2/secret/app/manifests/v1/',
    '/v2/SECRET/app/manifests/v1',
    '/v2/public/app/../../secret/app/tags/list',
    '/v2/secret/blobs/uploads/x/manifests/v1',
    '/v2/secret/tags/list/manifests/v1',
    '/v2/secret/tags/list/tags/list',
    '/v2/a/blobs/b/manifests/v1',
    '/v2/public/app/blobs/../../../secret/app/blobs/DIGEST',
    '/v2/secret/app/blobs/DIGEST',
    '/v2/secret/app/referrers/DIGEST',
    '//v2/secret/app/manifests/v1',
    '/V2/secret/app/manifests/v1',
    '/v2;x/secret/app/manifests/v1',
    '/v2/secret/app/manifests/v1%00',
    '/v2/secret%00/app/manifests/v1',
    '/v2/%73ecret/app/manifests/v1',
  ])('%s', async (path) => {
    const target = path.replace('DIGEST', secretBlob)
    for (const as of [
      undefined,
      'alice:pw-alice',
      { token: await registry.token(undefined, 'repository:public/app:pull') },
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const answer = await registry.call(method, target, { as })
        expect([400, 401, 403, 404]).toContain(answer.status)
        expect(answer.text).not.toMatch(/config|"tags"/)
      }
    }
  })

  test('what looks like a path of the protocol may be a name, and is checked as one', async () => {
    expect((await registry.call('GET', '/v2/public/manifests/x/manifests/v1')).status).toBe(200)
    expect((await registry.call('GET', '/v2/a/blobs/b/manifests/v1', { as: 'root:pw-root' })).status).toBe(200)
    expect((await registry.call('GET', '/v2/secret/tags/list/tags/list', { as: 'root:pw-root' })).status).toBe(200)
  })

  test('a token for a name that is none opens nothing', async () => {
    const token = await registry.token('alice:pw-alice', 'repository:alice/../secret/app:pull')
    for (const path of ['/v2/alice/../secret/app/manifests/v1', '/v2/secret/app/manifests/v1']) {
      expect([400, 401, 403]).toContain((await registry.call('GET', path, { as: { token } })).status)
    }
  })
})

describe('mounts take only from where the caller may pull', () => {
  const mount = async (query: string, ...scopes: string[]) => {
    const as = scopes.length === 0 ? 'alice:pw-alice' : { token: await registry.token('alice:pw-alice', ...scopes) }
    const target = `alice/m${Math.random().toString(36).slice(2)}`
    const scoped = as as { token: string }
    const own = typeof as === 'string' ? as : { token: scoped.token }
    return (await registry.call('POST', `/v2/${target}/blobs/uploads/?${query}`, { as: own })).status
  }

  test('by password', async () => {
    expect(await mount(`mount=${publicBlob}&from=public/app`)).toBe(201)
    expect(await mount(`mount=${publicBlob}`)).toBe(201)
    expect(await mount(`mount=${secretBlob}&from=secret/app`)).toBe(202)
    expect(await mount(`mount=${secretBlob}&from=secret/none`)).toBe(202)
    expect(await mount(`mount=${secretBlob}`)).toBe(202)
    expect(await mount(`mount=${secretBlob}&from=public/../secret/app`)).toBe(202)
    expect(await mount(`mount=${secretBlob}&from=public/app`)).toBe(202)
  })

  test('by token, which must name the source', async () => {
    const target = 'alice/target'
    const both = await registry.token('alice:pw-alice', `repository:${target}:pull,push`, 'repository:public/app:pull')
    const one = await registry.token('alice:pw-alice', `repository:${target}2:pull,push`)
    const secret = await registry.token(
      'alice:pw-alice',
      `repository:${target}3:pull,push`,
      'repository:secret/app:pull',
    )
    const status = async (name: string, token: string, blob: string, from: string): Promise<number> =>
      (await registry.call('POST', `/v2/${name}/blobs/uploads/?mount=${blob}&from=${from}`, { as: { token } })).status
    expect(await status(target, both, publicBlob, 'public/app')).toBe(201)
    expect(await status(`${target}2`, one, publicBlob, 'public/app')).toBe(202)
    expect(await status(`${target}3`, secret, secretBlob, 'secret/app')).toBe(202)
    expect(await status('secret/app', both, publicBlob, 'public/app')).toBe(401)
  })

  test('and so does what is pushed: a manifest that names a blob of another repository', async () => {
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType: 'application/vnd.oci.image.manifest.v1+json',
      config: { mediaType: 'application/vnd.oci.image.config.v1+json', digest: secretBlob, size: 100 },
      layers: [],
    })
    const headers = { 'content-type': 'application/vnd.oci.image.manifest.v1+json' }
    const answer = await registry.call('PUT', '/v2/alice/thief/manifests/v1', {
      as: 'alice:pw-alice',
      body: manifest,
      headers,
    })
    expect(answer.status).toBe(400)
    expect((await registry.call('GET', `/v2/alice/thief/blobs/${secretBlob}`, { as: 'alice:pw-alice' })).status).toBe(
      404,
    )
  })
})
