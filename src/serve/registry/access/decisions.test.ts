import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, type Call, type GuardedRegistry, guardedRegistry } from './fixture.suite.ts'

const ABSENT = `sha256:${'0'.repeat(64)}`
let registry: GuardedRegistry
let callers: Record<string, Call['as']>

beforeAll(async () => {
  registry = await guardedRegistry(['alice', 'bob', 'root'], {
    groups: { dev: ['alice'] },
    rule: [
      { repository: ['public/**'], who: ['anonymous'], actions: ['pull'] },
      { repository: ['team/**'], who: ['group:dev'], actions: ['pull', 'push'] },
      { repository: ['drop/**'], who: ['alice'], actions: ['push'] },
      { repository: ['**'], who: ['root'], actions: ['*'] },
    ],
  })
  for (const repository of ['team/app', 'public/app', 'drop/app', 'other/app']) {
    await registry.push(repository, 'v1', 'root:pw-root')
  }
  const every = ['team', 'public', 'drop', 'other'].flatMap((folder) =>
    ['app', 'none'].map((name) => `repository:${folder}/${name}:*`),
  )
  callers = {
    nobody: undefined,
    alice: 'alice:pw-alice',
    bob: 'bob:pw-bob',
    root: 'root:pw-root',
    robot: await registry.robot('ci', 'team/*:pull,push'),
    "alice's token": { token: await registry.token('alice:pw-alice', ...every) },
    "alice's narrow token": { token: await registry.token('alice:pw-alice', 'repository:team/app:pull') },
    "nobody's token": { token: await registry.token(undefined, ...every) },
    "root's token for the catalog": { token: await registry.token('root:pw-root', 'registry:catalog:*') },
    'a wrong password': 'alice:wrong',
    'an unknown user': 'mallory:pw-alice',
    'a wrong secret': 'robot.ci:slipway_robot_x',
    'a bad token': { token: 'a.b.c' },
  }
})
afterAll(() => registry[Symbol.asyncDispose]())

/** Every request there is: what it needs, and what it gets where that is allowed: in `app`, and in `none` where nothing is. */
const REQUESTS: ReadonlyArray<
  [method: string, path: string, action: string, app: number, none: number, body?: string]
> = [
  ['GET', 'manifests/v1', 'pull', 200, 404],
  ['GET', `manifests/${ABSENT}`, 'pull', 404, 404],
  ['GET', `blobs/${ABSENT}`, 'pull', 404, 404],
  ['GET', 'tags/list', 'pull', 200, 404],
  ['GET', `referrers/${ABSENT}`, 'pull', 200, 200],
  ['GET', '_oci/ext/discover', 'pull', 200, 200],
  ['PUT', 'manifests/new', 'push', 400, 400, 'no manifest'],
  ['POST', 'blobs/uploads/', 'push', 202, 202],
  ['POST', 'blobs/uploads', 'push', 202, 202],
  ['GET', 'blobs/uploads/x', 'push', 404, 404],
  ['PATCH', 'blobs/uploads/x', 'push', 404, 404, 'bytes'],
  ['PUT', `blobs/uploads/x?digest=${ABSENT}`, 'push', 404, 404],
  ['DELETE', 'blobs/uploads/x', 'push', 404, 404],
  ['DELETE', 'manifests/gone', 'delete', 404, 404],
  ['DELETE', `manifests/${ABSENT}`, 'delete', 404, 404],
  ['DELETE', `blobs/${ABSENT}`, 'delete', 404, 404],
]

/** What the rules give to whom; refused otherwise as the last entry says. */
const RIGHTS: ReadonlyArray<[caller: string, rights: Record<string, string>, refusal: string]> = [
  ['nobody', { public: 'pull' }, '401'],
  ['alice', { public: 'pull', team: 'pull push', drop: 'push' }, '403'],
  ['bob', { public: 'pull' }, '403'],
  [
    'root',
    { public: 'pull push delete', team: 'pull push delete', drop: 'pull push delete', other: 'pull push delete' },
    '403',
  ],
  ['robot', { public: 'pull', team: 'pull push' }, '403'],
  ["alice's token", { public: 'pull', team: 'pull push', drop: 'push' }, '401 insufficient_scope'],
  ["nobody's token", { public: 'pull' }, '401 insufficient_scope'],
  ['a wrong password', {}, '401'],
  ['an unknown user', {}, '401'],
  ['a wrong secret', {}, '401'],
  ['a bad token', {}, '401 invalid_token'],
]

describe.each(RIGHTS)('%s', (caller, rights, refusal) => {
  describe.each(['public', 'team', 'drop', 'other'])('in %s', (folder) => {
    test.each(REQUESTS)('%s %s (%s)', async (method, path, action, app, none, body) => {
      const call = { as: callers[caller], ...(body === undefined ? {} : { body }) }
      const there = await registry.call(method, `/v2/${folder}/app/${path}`, call)
      const missing = await registry.call(method, `/v2/${folder}/none/${path}`, call)
      if (rights[folder]?.split(' ').includes(action)) {
        expect([there.status, missing.status]).toEqual([app, none])
      } else {
        expectRefused(there, `${folder}/app`, action, refusal)
        expect(comparable(missing)).toEqual(comparable(there))
      }
      if (method === 'GET') {
        for (const [name, found] of [
          ['app', there],
          ['none', missing],
        ] as const) {
          const head = await registry.call('HEAD', `/v2/${folder}/${name}/${path}`, call)
          expect(head.status).toBe(found.status)
          expect(head.challenge).toBe(found.challenge)
          expect(head.text).toBe('')
        }
      }
    })
  })
})

function expectRefused(answer: Answer, repository: string, action: string, refusal: string): void {
  const [status, error] = refusal.split(' ')
  const actions = action === 'push' ? 'pull,push' : action
  expect(answer.status).toBe(Number(status))
  expect(answer.code).toBe(status === '401' ? 'UNAUTHORIZED' : 'DENIED')
  if (status === '403') expect(answer.challenge).toBeUndefined()
  else {
    const end = error === undefined ? '' : `,error="${error}"`
    expect(answer.challenge).toBe(
      `Bearer realm="${registry.server.url}/token",service="slipway-registry",scope="repository:${repository}:${actions}"${end}`,
    )
  }
}

/** All that a caller can tell a repository that is there from one that is not by. */
function comparable({ status, headers, text }: Answer): unknown {
  const { date: _, 'content-length': __, ...rest } = headers
  const unnamed = (value: string): string => value.replaceAll(/\/(app|none)\b/g, '/X')
  return { status, text: unnamed(text), headers: unnamed(JSON.stringify(rest)) }
}

describe('a token allows no more than it says', () => {
  const status = async (caller: string, method: string, path: string): Promise<string> => {
    const answer = await registry.call(method, `/v2/${path}`, { as: callers[caller] })
    return `${answer.status}${/error="(\w+)"/.exec(answer.challenge ?? '')?.[1]?.padStart(20, ' ') ?? ''}`.replace(
      / +/,
      ' ',
    )
  }

  test.each([
    ["alice's narrow token", 'GET', 'team/app/manifests/v1', '200'],
    ["alice's narrow token", 'HEAD', 'team/app/manifests/v1', '200'],
    ["alice's narrow token", 'POST', 'team/app/blobs/uploads/', '401 insufficient_scope'],
    ["alice's narrow token", 'GET', 'team/app2/tags/list', '401 insufficient_scope'],
    ["alice's narrow token", 'GET', 'team/app/more/tags/list', '401 insufficient_scope'],
    ["alice's narrow token", 'GET', 'public/app/manifests/v1', '401 insufficient_scope'],
    ["alice's narrow token", 'GET', 'other/app/manifests/v1', '401 insufficient_scope'],
    ["alice's narrow token", 'DELETE', 'team/app/manifests/v1', '401 insufficient_scope'],
    ["alice's narrow token", 'GET', '_catalog', '401 insufficient_scope'],
    ["root's token for the catalog", 'GET', '_catalog', '200'],
    ["root's token for the catalog", 'GET', 'team/app/manifests/v1', '401 insufficient_scope'],
    ["nobody's token", 'GET', '_catalog', '401 insufficient_scope'],
  ])('%s: %s %s is %s', async (caller, method, path, expected) => {
    expect(await status(caller, method, path)).toBe(expected)
  })
})

describe('GET /v2/', () => {
  test.each([
    ['nobody', 401],
    ["nobody's token", 200],
    ['alice', 200],
    ['bob', 200],
    ['robot', 200],
    ["alice's narrow token", 200],
    ['a wrong password', 401],
    ['a bad token', 401],
  ])('%s: %i', async (caller, status) => {
    for (const path of ['/v2/', '/v2', '/v2/_oci/ext/discover']) {
      const answer = await registry.call('GET', path, { as: callers[caller] })
      expect(answer.status).toBe(status)
      if (status === 401)
        expect(answer.challenge).toMatch(
          /^Bearer realm="http:\/\/127\.0\.0\.1:\d+\/token",service="slipway-registry"(,error="invalid_token")?$/,
        )
    }
  })
})

describe('the catalog shows what the caller may pull', () => {
  const all = ['drop/app', 'other/app', 'public/app', 'team/app']
  test.each([
    ['nobody', ['public/app']],
    ['alice', ['public/app', 'team/app']],
    ['bob', ['public/app']],
    ['robot', ['public/app', 'team/app']],
    ['root', all],
    ["root's token for the catalog", all],
  ])('%s: %j', async (caller, expected) => {
    const whole = await registry.call('GET', '/v2/_catalog', { as: callers[caller] })
    expect(JSON.parse(whole.text).repositories).toEqual(expected)
    const found: string[] = []
    for (let next: string | undefined = '/v2/_catalog?n=1'; next !== undefined; ) {
      const page: Answer = await registry.call('GET', next, { as: callers[caller] })
      found.push(...JSON.parse(page.text).repositories)
      next = /<([^>]+)>/.exec(String(page.headers['link'] ?? ''))?.[1]
    }
    expect(found).toEqual(expected)
  })

  test('not to who shows something wrong', async () => {
    for (const caller of ['a wrong password', 'a bad token']) {
      expect((await registry.call('GET', '/v2/_catalog', { as: callers[caller] })).code).toBe('UNAUTHORIZED')
    }
  })
})
