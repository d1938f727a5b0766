import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { MEDIA } from '../../../oci/index.ts'
import { parseConfig } from '../config.ts'
import { openHookServer } from '../events/hook.suite.ts'
import { putBlob, putImage, send, startRegistry, temporaryFolder } from '../fixture.suite.ts'
import { folderLayout } from '../folder/layout.ts'
import { upkeepPart } from './upkeep.ts'

const start = (toml: string, root = temporaryFolder()) =>
  startRegistry({ root, parts: [upkeepPart], config: { ...parseConfig(toml, 'test.toml'), listen: '127.0.0.1:0' } })

type Server = { url: string }

const get = async (server: Server, at: string) =>
  JSON.parse((await send(server, 'GET', `/api/v1${at}`)).body.toString())
const post = async (server: Server, at: string) =>
  JSON.parse((await send(server, 'POST', `/api/v1${at}`)).body.toString())

const putManifest = (server: Server, at: string, body: Buffer) =>
  send(server, 'PUT', `/v2/${at}`, { headers: { 'content-type': MEDIA.ociManifest }, body })

const messageIn = (body: Buffer): string => JSON.parse(body.toString()).errors[0].message

test('an immutable tag takes the same image again, no other, and stays', async () => {
  const server = await start('[[immutable]]\nrepositories = ["prod/**"]\ntags = ["v*"]\nexcept = ["v*-rc*"]')
  const first = await putImage(server, 'prod/app', 'v1', '1')
  const second = await putImage(server, 'prod/app', 'edge', '2')
  expect((await putManifest(server, 'prod/app/manifests/v1', first.bytes)).status).toBe(201)
  const moved = await putManifest(server, 'prod/app/manifests/v1', second.bytes)
  expect([moved.status, moved.code]).toEqual([403, 'DENIED'])
  expect(messageIn(moved.body)).toBe(`tag prod/app:v1 is immutable: it stays ${first.digest}`)
  expect((await send(server, 'DELETE', '/v2/prod/app/manifests/v1')).code).toBe('DENIED')
  expect((await send(server, 'DELETE', `/v2/prod/app/manifests/${first.digest}`)).code).toBe('DENIED')
  expect((await send(server, 'HEAD', '/v2/prod/app/manifests/v1')).headers['docker-content-digest']).toBe(first.digest)
  await putImage(server, 'prod/app', 'v2-rc1', '1')
  expect((await putManifest(server, 'prod/app/manifests/v2-rc1', second.bytes)).status).toBe(201)
})

test('a quota counts content once for a namespace, and says what is wrong', async () => {
  const server = await start('[[quota]]\nnamespaces = ["team"]\nlimit = "1kB"')
  const half = 'x'.repeat(600)
  await putBlob(server, 'team/one', half)
  await putBlob(server, 'team/two', half)
  const refused = await send(server, 'POST', `/v2/team/one/blobs/uploads/?digest=${digestOf('y'.repeat(600))}`, {
    body: 'y'.repeat(600),
  })
  expect([refused.status, refused.code]).toEqual([403, 'DENIED'])
  expect(messageIn(refused.body)).toBe('quota exceeded: namespace team uses 600B of 1kB, and this needs 600B')
  await putBlob(server, 'team/one', 'z'.repeat(400))
  const full = await send(server, 'POST', '/v2/team/one/blobs/uploads/')
  expect(messageIn(full.body)).toBe('quota exceeded: namespace team uses 1kB of 1kB')
  await putBlob(server, 'other/app', 'y'.repeat(5000))
})

test('uploads that race for a quota never pass it together', async () => {
  const server = await start('[[quota]]\nrepositories = ["app"]\nlimit = "2000B"')
  const bodies = Array.from({ length: 12 }, (_, i) => `${i}`.padStart(500, '.'))
  // chunked: the server cannot know the size before it has it all
  const push = async (body: string) => {
    const { headers } = await send(server, 'POST', '/v2/app/blobs/uploads/')
    const at = String(headers.location)
    if (at === 'undefined') return 403
    const sent = { headers: { 'transfer-encoding': 'chunked' }, body }
    return (await send(server, 'PUT', `${at}?digest=${digestOf(body)}`, sent)).status
  }
  const answers = await Promise.all(bodies.map(push))
  expect(answers.filter((status) => status === 201)).toHaveLength(4)
  expect(new Set(answers)).toEqual(new Set([201, 403]))
})

test('retention: a dry run and a run', async () => {
  const server = await start(
    '[gc]\nblob_grace = "0s"\nmanifest_grace = "0s"\n[[retention]]\nrepositories = ["app"]\n[[retention.keep]]\ntags = ["dev-*"]\nlast_pushed = 1',
  )
  for (const name of ['dev-1', 'dev-2', 'dev-3', 'latest']) {
    await putImage(server, 'app', name, name)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  expect(await get(server, '/retention/preview')).toEqual({
    repositories: [{ repository: 'app', kept: 2, deleted: 2 }],
  })
  const { repositories } = await get(server, '/retention/preview?repository=app')
  expect(repositories[0].verdicts.map((verdict: { keep: boolean }) => verdict.keep)).toEqual([false, false, true, true])
  expect(await post(server, '/retention')).toMatchObject({ kept: 2, deleted: 2 })
  expect((await get(server, '/repositories/app/-/tags')).tags.map((tag: { name: string }) => tag.name)).toEqual([
    'dev-3',
    'latest',
  ])
  expect(await post(server, '/gc')).toMatchObject({ manifests: 2, blobs: 2 })
})

test('a webhook that was away is told after a restart, in order', async () => {
  await using hook = await openHookServer()
  hook.answer = 500
  const root = temporaryFolder()
  const toml = `[[webhook]]\nname = "ci"\nurl = "${hook.url}"\nsecret = "s"`
  const first = await start(toml, root)
  const { digest } = await putImage(first, 'app', 'v1')
  await send(first, 'DELETE', '/v2/app/manifests/v1')
  await hook.heard(1)
  await first.close()
  const tries = hook.told.length
  hook.answer = 200
  const second = await start(toml, root)
  await hook.heard(tries + 2)
  const events = hook.told.slice(tries).map(({ body }) => JSON.parse(body).events[0])
  expect(events.map((event) => [event.action, event.target.tag, event.target.digest])).toEqual([
    ['push', 'v1', digest],
    ['delete', 'v1', undefined],
  ])
  expect(events[0].request).toMatchObject({ method: 'PUT', host: new URL(first.url).host })
  expect(events[0].id).toBe(JSON.parse(hook.told[0]!.body).events[0].id)
  await expect
    .poll(() => get(second, '/webhooks'))
    .toMatchObject({ webhooks: [{ name: 'ci', waiting: 0, delivered: 2 }] })
}, 20_000)

test('the audit log has who did what, in pages', async () => {
  const server = await start('')
  const { digest } = await putImage(server, 'app', 'v1', '1')
  await putImage(server, 'app', 'v1', '2')
  await send(server, 'DELETE', '/v2/app/manifests/v1')
  const first = await get(server, '/audit?limit=2')
  expect(first.records).toMatchObject([
    { action: 'untag', repository: 'app', reference: 'v1', outcome: 'done' },
    { action: 'push', reference: 'v1', detail: expect.stringContaining(`was ${digest}`) },
  ])
  expect(first.records[0].remote).toMatch(/^127\.0\.0\.1:\d+$/)
  expect((await get(server, `/audit?limit=2&after=${first.next}`)).records).toMatchObject([{ action: 'push' }])
  expect((await get(server, '/audit?action=untag')).records).toHaveLength(1)
})

test('scrub finds damage, and a push heals it', async () => {
  const root = temporaryFolder()
  const server = await start('', root)
  const layout = folderLayout(root)
  const [bad, gone, good] = [
    await putBlob(server, 'a', 'bad'),
    await putBlob(server, 'a', 'gone'),
    await putBlob(server, 'a', 'good'),
  ]
  writeFileSync(layout.blob(bad), 'dab')
  rmSync(layout.blob(gone))
  expect(await post(server, '/scrub')).toMatchObject({ checked: 2, bad: [bad], missing: [gone] })
  const status = async (digest: string) => (await send(server, 'HEAD', `/v2/a/blobs/${digest}`)).status
  expect([await status(bad), await status(gone), await status(good)]).toEqual([404, 404, 200])
  expect(readdirSync(path.join(root, 'quarantine'))).toEqual([bad.replace(':', '-')])
  expect((await get(server, '/scrub')).damaged.toSorted()).toEqual([bad, gone].toSorted())
  await putBlob(server, 'a', 'bad')
  expect((await send(server, 'GET', `/v2/a/blobs/${bad}`)).body.toString()).toBe('bad')
  expect((await get(server, '/scrub')).damaged).toEqual([gone])
  expect(await post(server, '/scrub')).toMatchObject({ checked: 2, bad: [] })
})

test('lists and details come from the tables', async () => {
  const server = await start('')
  const { digest, config } = await putImage(server, 'team/app', 'v1')
  await putImage(server, 'team/app', 'v2')
  await putImage(server, 'lib', 'v1')
  expect(await get(server, '')).toMatchObject({ repositories: 2, tags: 3, manifests: 2 })
  const first = await get(server, '/repositories?limit=1')
  expect(first).toMatchObject({ repositories: [{ name: 'lib', tags: 1 }], next: 'lib' })
  const second = await get(server, `/repositories?after=${first.next}`)
  expect(second).toMatchObject({ repositories: [{ name: 'team/app', tags: 2, manifests: 1 }] })
  expect(second.next).toBeUndefined()
  expect((await get(server, '/repositories?sort=updated')).repositories[0].name).toBe('lib')
  expect((await get(server, '/repositories?search=eam')).repositories).toHaveLength(1)
  const { tags } = await get(server, '/repositories/team/app/-/tags?sort=pushed')
  expect(tags.map((tag: { name: string }) => tag.name)).toEqual(['v2', 'v1'])
  expect(tags[0]).toMatchObject({ digest, platforms: ['linux/amd64'], immutable: false, pulledAt: null })
  const details = await get(server, '/repositories/team/app/-/manifests/v1')
  expect(details).toMatchObject({
    kind: 'image',
    digest,
    tags: ['v1', 'v2'],
    configDigest: config,
    platform: 'linux/amd64',
  })
  expect(details.bytes).toBe(tags[0].bytes)
  expect((await send(server, 'DELETE', '/api/v1/repositories/team/app/-/tags/v1')).status).toBe(200)
  expect((await send(server, 'DELETE', '/api/v1/repositories/team/app/-/tags/v1')).status).toBe(404)
  expect((await send(server, 'GET', '/api/v1/repositories/nothing')).code).toBe('NAME_UNKNOWN')
})

test('metrics and health', async () => {
  const server = await start('')
  await putImage(server, 'app', 'v1')
  await send(server, 'GET', '/v2/app/manifests/v1')
  const { body, headers } = await send(server, 'GET', '/metrics')
  expect(headers['content-type']).toMatch(/^text\/plain; version=/)
  expect(body.toString()).toContain('slipway_registry_requests_total{route="manifest",method="GET",status="200"} 1')
  expect(body.toString()).toContain('slipway_registry_manifests 1\n')
  for (const at of ['/healthz', '/readyz']) expect((await send(server, 'GET', at)).body.toString()).toBe('ok\n')
})

test.each([
  ['[gc]\nblob_grace = "soon"', 'test.toml:2: gc.blob_grace: must be a time such as "90s", "12h", "7d"'],
  ['[[quota]]\nlimit = "1GB"', 'needs either namespaces or repositories'],
  ['[[retention]]\nrepositories = ["**"]\nkeepTags = []\nkeep = []', "unknown key 'retention.0.keepTags'"],
])('a mistake in the configuration is told: %j', (toml, message) => {
  expect(() => parseConfig(toml, 'test.toml')).toThrow(message)
})
