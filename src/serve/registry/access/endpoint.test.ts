import { writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type GuardedRegistry, guardedRegistry, userLines } from './fixture.suite.ts'
import { withRobots } from './robot-access.ts'

let registry: GuardedRegistry
const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

beforeAll(async () => {
  registry = await guardedRegistry(['alice', 'bob'], {
    service: 'my-registry',
    rule: [
      { repository: ['public/**'], who: ['anonymous'], actions: ['pull'] },
      { repository: ['team/**'], who: ['alice'], actions: ['pull', 'push'] },
      { repository: ['alice/**'], who: ['alice'], actions: ['*'] },
    ],
  })
})
afterAll(() => registry[Symbol.asyncDispose]())

const get = (query: string, as?: string): Promise<Answer> => registry.call('GET', `/token${query}`, { as })
const post = (form: Record<string, string>): Promise<Answer> =>
  registry.call('POST', '/token', { body: new URLSearchParams(form).toString(), headers: FORM })
const access = (answer: Answer): unknown => decodeJwt(JSON.parse(answer.text).access_token)['access']

describe('GET /token', () => {
  test('answers as the specification says', async () => {
    const answer = await get('?service=my-registry&scope=repository:team/app:pull,push&account=alice', 'alice:pw-alice')
    const body = JSON.parse(answer.text)
    expect(answer.status).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': expect.stringMatching(/^application\/json\b/),
      'cache-control': 'no-store',
    })
    expect(body).toEqual({
      token: body.access_token,
      access_token: expect.any(String),
      scope: 'repository:team/app:pull,push',
      expires_in: 300,
      issued_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/),
    })
    expect(decodeJwt(body.token)).toMatchObject({ sub: 'alice', aud: 'my-registry', iss: 'slipway' })
  })

  const entry = (name: string, ...actions: string[]): object => ({ type: 'repository', name, actions })
  test.each<[string, string | undefined, string, object[]]>([
    [
      'less than was asked for',
      'alice:pw-alice',
      'repository:team/app:pull,push,delete',
      [entry('team/app', 'pull', 'push')],
    ],
    ['all of a star', 'alice:pw-alice', 'repository:alice/x:*', [entry('alice/x', 'pull', 'push', 'delete')]],
    [
      'two scopes, as for a mount',
      'alice:pw-alice',
      'repository:alice/x:pull,push&scope=repository:public/y:pull',
      [entry('alice/x', 'pull', 'push'), entry('public/y', 'pull')],
    ],
    [
      'the same repository twice',
      'alice:pw-alice',
      'repository:alice/x:pull&scope=repository:alice/x:push',
      [entry('alice/x', 'pull', 'push')],
    ],
    ['nothing of others', 'bob:pw-bob', 'repository:team/app:pull', []],
    ['what anybody may', 'bob:pw-bob', 'repository:public/app:pull,push', [entry('public/app', 'pull')]],
    ['anonymous', undefined, 'repository:public/app:pull,push', [entry('public/app', 'pull')]],
    ['anonymous, forbidden', undefined, 'repository:team/app:pull', []],
    ['the catalog', 'bob:pw-bob', 'registry:catalog:*', [{ type: 'registry', name: 'catalog', actions: ['*'] }]],
    ['the catalog, not all of it', 'bob:pw-bob', 'registry:catalog:pull', []],
    ['unknown types', 'alice:pw-alice', 'repository(plugin):alice/x:pull&scope=registry:admin:*&scope=x', []],
    ['unknown actions', 'alice:pw-alice', 'repository:alice/x:admin', []],
    ['a pattern for a name', 'alice:pw-alice', 'repository:**:pull', []],
    ['a name that climbs', 'bob:pw-bob', 'repository:public/../team/app:pull', []],
    ['no scope', 'alice:pw-alice', '', []],
  ])('%s', async (_, as, scope, expected) => {
    const answer = await get(`?service=my-registry&scope=${scope}`, as)
    expect(answer.status).toBe(200)
    expect(access(answer)).toEqual(expected)
  })

  test.each(['alice:wrong', 'nobody:pw', ':', 'alice:', 'robot.x:y'])('%s: 401', async (as) => {
    const answer = await get('?scope=repository:public/app:pull', as)
    expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
    expect(answer.challenge).toMatch(/^Basic realm=/)
  })

  test('a token is no way to another token', async () => {
    const token = await registry.token('alice:pw-alice', 'repository:team/app:pull')
    const answer = await registry.call('GET', '/token?scope=repository:alice/x:*', { as: { token } })
    expect(answer.status).toBe(401)
  })

  test('other methods and paths are not there', async () => {
    expect((await registry.call('PUT', '/token')).status).toBe(404)
    expect((await registry.call('GET', '/token/x')).status).toBe(404)
  })
})

describe('POST /token', () => {
  test('a password', async () => {
    const answer = await post({
      grant_type: 'password',
      username: 'alice',
      password: 'pw-alice',
      service: 'x',
      client_id: 'c',
      scope: 'repository:team/app:pull repository:public/x:pull',
    })
    const body = JSON.parse(answer.text)
    expect(body).toEqual({
      access_token: expect.any(String),
      token_type: 'Bearer',
      scope: 'repository:team/app:pull repository:public/x:pull',
      expires_in: 300,
      issued_at: expect.any(String),
    })
    expect((await registry.call('GET', '/v2/team/app/tags/list', { as: { token: body.access_token } })).status).toBe(
      404,
    )
  })

  test.each<[Record<string, string>, number]>([
    [{ grant_type: 'password', username: 'alice', password: 'wrong' }, 401],
    [{ grant_type: 'password', username: 'alice' }, 401],
    [{ grant_type: 'password' }, 401],
    [{ grant_type: 'refresh_token', refresh_token: 'a.b.c' }, 401],
    [{ grant_type: 'refresh_token' }, 401],
    [{ grant_type: 'client_credentials' }, 400],
    [{}, 400],
  ])('%o: %i', async (form, status) => expect((await post(form)).status).toBe(status))

  test('a body that is no form, or a huge one', async () => {
    const json = await registry.call('POST', '/token', { body: '{}', headers: { 'content-type': 'application/json' } })
    expect(json.status).toBe(400)
    expect((await registry.call('POST', '/token', { body: 'x'.repeat(40_000), headers: FORM })).status).toBe(413)
  })
})

describe('refresh tokens', () => {
  test('are what docker login keeps, and end with the password', async () => {
    await using own = await guardedRegistry(['alice'])
    const login = await own.call('GET', '/token?service=s&offline_token=true', { as: 'alice:pw-alice' })
    const { refresh_token } = JSON.parse(login.text)
    const form = { grant_type: 'refresh_token', refresh_token, scope: 'repository:a:pull' }
    const again = (): Promise<Answer> =>
      own.call('POST', '/token', { body: new URLSearchParams(form).toString(), headers: FORM })
    const answer = await again()
    expect(JSON.parse(answer.text)).toMatchObject({ scope: 'repository:a:pull', refresh_token })
    const { access_token: token } = JSON.parse(answer.text)
    expect((await own.call('GET', '/v2/', { as: { token } })).status).toBe(200)
    expect((await own.call('GET', '/v2/', { as: { token: refresh_token } })).status).toBe(401)

    writeFileSync(own.htpasswd, userLines('alice', 'bob'))
    await expect.poll(async () => (await again()).status, { timeout: 5000 }).toBe(401)
    expect((await own.call('GET', '/v2/', { as: { token } })).status).toBe(401)
  })

  test('are for passwords only', async () => {
    const secret = await registry.robot('nightly', 'team/*:pull')
    for (const as of [undefined, secret]) {
      const answer = await get('?offline_token=true', as)
      expect(JSON.parse(answer.text).refresh_token).toBeUndefined()
    }
    const offline = await post({
      grant_type: 'password',
      username: 'alice',
      password: 'pw-alice',
      access_type: 'offline',
    })
    expect(JSON.parse(offline.text).refresh_token).toEqual(expect.any(String))
  })
})

describe('rights that are taken back', () => {
  test('a robot that is removed while the server runs', async () => {
    const secret = await registry.robot('gone', 'team/*:pull')
    const token = await registry.token(secret, 'repository:team/app:pull')
    const status = async (): Promise<number[]> => [
      (await registry.call('GET', '/v2/', { as: secret })).status,
      (await registry.call('GET', '/v2/', { as: { token } })).status,
    ]
    expect(await status()).toEqual([200, 200])
    await withRobots(registry.root, (robots) => robots.remove('gone'))
    await expect.poll(status, { timeout: 5000 }).toEqual([401, 401])
  })

  test('a user that is taken out of the file', async () => {
    await using own = await guardedRegistry(['alice', 'bob'])
    const token = await own.token('alice:pw-alice')
    writeFileSync(own.htpasswd, userLines('bob'))
    await sleep(1100)
    for (const as of ['alice:pw-alice', { token }]) expect((await own.call('GET', '/v2/', { as })).status).toBe(401)
    expect((await own.call('GET', '/v2/', { as: 'bob:pw-bob' })).status).toBe(200)
  })
})

describe('guessing passwords', () => {
  test('is slowed down, and hinders nobody who is logged in', async () => {
    await using own = await guardedRegistry(['alice', 'bob'], { trusted_proxies: ['127.0.0.1'] })
    const login = (as: string): Promise<Answer> => own.call('GET', '/v2/', { as })
    expect((await login('alice:pw-alice')).status).toBe(200)
    const token = await own.token('alice:pw-alice')
    const from = (address: string): object => ({ headers: { 'x-forwarded-for': address } })
    const guess = (at: number): Promise<Answer> =>
      own.call('GET', '/v2/', { as: `alice:guess${at}`, ...from('192.0.2.1') })
    const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => guess(at)))
    const tried = answers.filter(({ status }) => status === 401)
    const slowed = answers.filter(({ status }) => status === 429)
    expect(tried.length + slowed.length).toBe(30)
    expect(tried.length).toBeLessThanOrEqual(6)
    expect(slowed[0]).toMatchObject({
      code: 'TOOMANYREQUESTS',
      headers: { 'retry-after': expect.stringMatching(/^\d+$/) },
    })
    expect((await own.call('GET', '/token', { as: 'alice:another', ...from('198.51.100.1') })).status).toBe(429)
    // Who logged in before goes on, with the password and with a token; and so do others.
    expect((await login('alice:pw-alice')).status).toBe(200)
    expect((await own.call('GET', '/v2/', { as: { token } })).status).toBe(200)
    expect((await login('bob:pw-bob')).status).toBe(200)
  })

  test('the same wrong password again and again counts once', async () => {
    await using own = await guardedRegistry(['alice'])
    const statuses = new Set<number>()
    for (let at = 0; at < 30; at++) statuses.add((await own.call('GET', '/v2/', { as: 'alice:old' })).status)
    expect([...statuses]).toEqual([401])
    expect((await own.call('GET', '/v2/', { as: 'alice:pw-alice' })).status).toBe(200)
  })

  test('behind a proxy that is trusted, those are told apart who are behind it', async () => {
    await using own = await guardedRegistry(['alice'], { trusted_proxies: ['127.0.0.0/8', '::1'] })
    const login = (as: string, from: string): Promise<Answer> =>
      own.call('GET', '/v2/', {
        as,
        headers: { 'x-forwarded-for': from, 'x-forwarded-proto': 'https', host: 'registry.example' },
      })
    for (let at = 0; at < 30; at++) await login(`user${at}:x`, '10.9.9.9, 192.0.2.1')
    expect((await login('userx:x', '10.1.1.1, 192.0.2.1')).status).toBe(429)
    expect((await login('alice:pw-alice', '192.0.2.2')).status).toBe(200)
    expect(
      (await own.call('GET', '/v2/', { headers: { 'x-forwarded-proto': 'https', host: 'registry.example' } }))
        .challenge,
    ).toContain('realm="https://registry.example/token"')
  })
})

describe('odd credentials', () => {
  test.each([
    'Basic',
    'Basic ',
    'Basic !!!',
    'Basic YWxpY2U=',
    'Basic OnB3',
    'Bearer',
    'Bearer ',
    'Digest username="alice"',
    'Negotiate x',
    'alice:pw-alice',
    `Basic ${Buffer.from(`alice:${'x'.repeat(5000)}`).toString('base64')}`,
    `Basic ${Buffer.from('robot.:x').toString('base64')}`,
    `Basic ${Buffer.from(`robot.${'x'.repeat(3000)}:x`).toString('base64')}`,
  ])('%j is 401, also where anybody may pull', async (authorization) => {
    const answer = await registry.call('GET', '/v2/public/app/tags/list', { headers: { authorization } })
    expect([answer.status, answer.code]).toEqual([401, 'UNAUTHORIZED'])
  })

  test('the scheme may be written in any case', async () => {
    const value = Buffer.from('alice:pw-alice').toString('base64')
    expect((await registry.call('GET', '/v2/', { headers: { authorization: `bAsIc ${value}` } })).status).toBe(200)
  })

  test('a Host that would break the challenge is not repeated', async () => {
    const answer = await registry.call('GET', '/v2/', { headers: { host: 'a",error="x' } })
    expect(answer.challenge ?? '').not.toContain('a"')
  })
})
