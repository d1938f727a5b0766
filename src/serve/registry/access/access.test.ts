import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { loadConfig, parseConfig } from '../config.ts'
import { ProtocolFailure } from '../failure.ts'
import type { Part } from '../parts.ts'
import { serveRegistry } from '../serve.ts'
import { accessPart } from './access.ts'
import { groupsFrom, proxiesFrom, rulesFrom } from './config.ts'
import { guardedRegistry, userLines } from './fixture.suite.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'access-part-'))
afterAll(() => rmSync(folder, { recursive: true }))
let count = 0
const root = (): string => path.join(folder, `root${count++}`)

test('without a configuration anybody may do everything, and there is no token endpoint', async () => {
  await using server = await serveRegistry({ root: root(), config: { listen: '127.0.0.1:0' } })
  for (const headers of [{}, { authorization: 'Basic eDp5' }, { authorization: 'Bearer x' }]) {
    expect((await fetch(`${server.url}/v2/`, { headers })).status).toBe(200)
    expect((await fetch(`${server.url}/v2/a/blobs/uploads/`, { method: 'POST', headers })).status).toBe(202)
  }
  expect((await fetch(`${server.url}/token`)).status).toBe(404)
})

test('with users alone, who logs in pulls and pushes, and nobody deletes', async () => {
  await using registry = await guardedRegistry(['alice'])
  const { manifest } = await registry.push('a/b', 'v1', 'alice:pw-alice')
  const status = async (method: string, target: string, as?: string): Promise<number> =>
    (await registry.call(method, `/v2/${target}`, { as })).status
  expect(await status('GET', 'a/b/manifests/v1')).toBe(401)
  expect(await status('GET', '_catalog')).toBe(401)
  expect(await status('GET', 'a/b/manifests/v1', 'alice:pw-alice')).toBe(200)
  expect(await status('DELETE', `a/b/manifests/${manifest}`, 'alice:pw-alice')).toBe(403)
})

test('its keys are kept where only its owner reads them, and outlive a restart', async () => {
  const place = root()
  const htpasswd = path.join(folder, 'users')
  writeFileSync(htpasswd, userLines('alice'))
  const config = { listen: '127.0.0.1:0', access: { htpasswd } }
  const headers = { authorization: `Basic ${Buffer.from('alice:pw-alice').toString('base64')}` }
  let token = ''
  {
    await using server = await serveRegistry({ root: place, config })
    token = ((await (await fetch(`${server.url}/token`, { headers })).json()) as { token: string }).token
  }
  const [key] = readdirSync(path.join(place, 'keys'))
  expect(statSync(path.join(place, 'keys', key!)).mode & 0o777).toBe(0o600)
  await using server = await serveRegistry({ root: place, config })
  expect((await fetch(`${server.url}/v2/`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(200)
})

test('a token gives no more than the rules do now', async () => {
  const place = root()
  const htpasswd = path.join(folder, 'users')
  writeFileSync(htpasswd, userLines('alice'))
  const config = { listen: '127.0.0.1:0' }
  const headers = { authorization: `Basic ${Buffer.from('alice:pw-alice').toString('base64')}` }
  const target = '/v2/a/tags/list'
  let bearer = ''
  {
    await using server = await serveRegistry({ root: place, config: { ...config, access: { htpasswd } } })
    const answer = await fetch(`${server.url}/token?scope=repository:a:pull`, { headers })
    bearer = `Bearer ${((await answer.json()) as { token: string }).token}`
    expect((await fetch(server.url + target, { headers: { authorization: bearer } })).status).toBe(404)
  }
  await using server = await serveRegistry({ root: place, config: { ...config, access: { htpasswd, rule: [] } } })
  expect((await fetch(server.url + target, { headers: { authorization: bearer } })).status).toBe(401)
  expect((await fetch(`${server.url}/v2/`, { headers: { authorization: bearer } })).status).toBe(200)
})

describe('is not served to other machines by accident', () => {
  test.each([
    ['0.0.0.0:0', {}],
    [':0', {}],
    ['[::]:0', {}],
    ['0.0.0.0:0', { access: { rule: [] } }],
  ])('%s with %o', async (listen, config) => {
    await expect(serveRegistry({ root: root(), config: { listen, ...config } })).rejects.toMatchObject({
      code: 'REGISTRY_EXPOSED',
    })
  })

  test('but when it is meant', async () => {
    await using server = await serveRegistry({
      root: root(),
      config: { listen: '0.0.0.0:0', access: { insecure: true } },
    })
    const { port } = new URL(server.url)
    expect((await fetch(`http://127.0.0.1:${port}/v2/`)).status).toBe(200)
  })
})

describe('the configuration', () => {
  const access = (text: string) => parseConfig(text, 'registry.toml').access ?? {}

  test('is read, with one name or several, and paths from its own folder', () => {
    const file = path.join(folder, 'registry.toml')
    writeFileSync(
      file,
      `[access]
htpasswd = "users"
token_seconds = 600
[access.groups]
dev = ["alice", "bob"]
ops = ["bob"]
[[access.rule]]
repository = "team/*"
who = ["group:dev", "robots"]
actions = ["pull", "push"]
[[access.rule]]
repository = ["**"]
who = "anonymous"
actions = []
`,
    )
    const config = loadConfig(file).access!
    expect(config).toMatchObject({ htpasswd: path.join(folder, 'users'), token_seconds: 600 })
    expect(rulesFrom(config)?.map(({ who, actions }) => [who.map(({ kind }) => kind), [...actions]])).toEqual([
      [
        ['group', 'robots'],
        ['pull', 'push'],
      ],
      [['anonymous'], []],
    ])
    expect(Object.fromEntries(groupsFrom(config))).toEqual({ alice: ['dev'], bob: ['dev', 'ops'] })
    expect(rulesFrom({})).toBeUndefined()
  })

  test.each([
    ['[access]\nhtpaswd = "x"', /2: unknown key 'access\.htpaswd'/],
    ['[access]\ntoken_seconds = 10', /token_seconds/],
    ['[access]\nurl = "https://x/path"', /url: must be http/],
    ['[access]\nservice = "a\\"b"', /service: must be/],
    ['[[access.rule]]\nrepository = []\nwho = "a"\nactions = []', /repository/],
    ['[[access.rule]]\nrepository = "a"\nwho = "a"', /actions/],
  ])('%j is refused', (text, message) => expect(() => access(text)).toThrow(message))

  test.each([
    [{ rule: [{ repository: ['A'], who: ['a'], actions: [] }] }, /invalid repository pattern "A"/],
    [{ rule: [{ repository: ['a'], who: ['group:x'], actions: [] }] }, /group x, which is not in \[access\.groups\]/],
    [{ rule: [{ repository: ['a'], who: ['a'], actions: ['read'] }] }, /unknown action "read"/],
    [{ trusted_proxies: ['proxy.example'] }, /trusted_proxies/],
    [{ trusted_proxies: ['10.0.0.0/33'] }, /trusted_proxies/],
  ])('%o stops the start', async (config, message) => {
    await expect(serveRegistry({ root: root(), config: { listen: '127.0.0.1:0', access: config } })).rejects.toThrow(
      message,
    )
  })

  test('networks of proxies', () => {
    const list = proxiesFrom({ trusted_proxies: ['10.0.0.0/8', '192.0.2.1', '2001:db8::/32'] })
    const known = ['10.1.2.3', '192.0.2.1', '192.0.2.2', '11.0.0.1'].map((address) => list.check(address, 'ipv4'))
    expect([...known, list.check('2001:db8:1::1', 'ipv6')]).toEqual([true, true, false, false, true])
  })
})

describe('other parts of the server', () => {
  test('ask for the same rights: who runs the registry, and what a list may show', async () => {
    const htpasswd = path.join(folder, 'users')
    writeFileSync(htpasswd, userLines('alice', 'bob'))
    const rule = [{ repository: ['bob/**'], who: ['bob'], actions: ['pull'] }]
    const asking: Part = ({ authorize }) => ({
      plugins: [
        (app) => {
          app.get('/ask/:action', async ({ raw, params }, reply) => {
            const { action } = params as { action: 'admin' | 'catalog' }
            const repository = action === 'catalog' ? { repository: 'bob/app' } : {}
            const decision = await authorize({ action, ...repository, request: raw })
            return reply.code(decision instanceof ProtocolFailure ? decision.status : 200).send()
          })
        },
      ],
    })
    await using server = await serveRegistry({
      root: root(),
      config: { listen: '127.0.0.1:0', access: { htpasswd, rule, admins: ['alice'] } },
      parts: [asking, accessPart],
    })
    const basic = (name: string): string => `Basic ${Buffer.from(`${name}:pw-${name}`).toString('base64')}`
    const token = async (name: string, scope: string): Promise<string> => {
      const answer = await fetch(`${server.url}/token?scope=${scope}`, { headers: { authorization: basic(name) } })
      return `Bearer ${((await answer.json()) as { token: string }).token}`
    }
    const status = async (action: string, authorization?: string): Promise<number> =>
      (await fetch(`${server.url}/ask/${action}`, { headers: authorization ? { authorization } : {} })).status
    expect([await status('admin'), await status('admin', basic('alice')), await status('admin', basic('bob'))]).toEqual(
      [401, 200, 403],
    )
    expect(await status('admin', await token('alice', 'registry:admin:*'))).toBe(200)
    expect(await status('admin', await token('alice', 'registry:catalog:*'))).toBe(401)
    expect(await status('admin', await token('bob', 'registry:admin:*'))).toBe(401)
    expect([
      await status('catalog'),
      await status('catalog', basic('alice')),
      await status('catalog', basic('bob')),
    ]).toEqual([401, 403, 200])
    expect(await status('catalog', await token('bob', 'registry:catalog:*'))).toBe(200)
    expect(await status('catalog', await token('bob', 'repository:bob/app:pull'))).toBe(401)
  })
})
