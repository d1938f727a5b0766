import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { hashSync } from 'bcrypt'
import { expect, test } from 'vitest'
import { parseConfig } from '../config.ts'
import { putImage, send, startRegistry, temporaryFolder } from '../fixture.suite.ts'
import { PARTS } from '../parts.ts'

const RULES = `
[access]
admins = ["root"]
[[access.rule]]
repository = "team/**"
who = ["alice"]
actions = ["pull"]
`

test('everyone sees what they may pull; the rest is for administrators', async () => {
  const root = temporaryFolder()
  const open = await startRegistry({ root })
  await putImage(open, 'team/app', 'v1')
  await putImage(open, 'secret/app', 'v1', 'secret')
  await open.close()
  const htpasswd = path.join(root, 'users')
  const hash = hashSync('pw', 4)
  writeFileSync(htpasswd, `alice:${hash}\nroot:${hash}\n`)
  const config = parseConfig(RULES.replace('[access]', `[access]\nhtpasswd = "${htpasswd}"`), 'test.toml')
  const server = await startRegistry({ root, parts: PARTS, config: { ...config, listen: '127.0.0.1:0' } })
  const ask = async (user: string | undefined, at: string, method = 'GET') => {
    const headers = user ? { authorization: `Basic ${Buffer.from(`${user}:pw`).toString('base64')}` } : {}
    const { status, body } = await send(server, method, at, { headers })
    return { status, body: status === 200 ? body.toString() : '' }
  }
  const list = JSON.parse((await ask('alice', '/api/v1/repositories')).body)
  expect(list.repositories.map((row: { name: string }) => row.name)).toEqual(['team/app'])
  expect((await ask('alice', '/api/v1/repositories/team/app/-/tags')).status).toBe(200)
  expect((await ask('alice', '/api/v1/repositories/secret/app/-/tags')).status).toBe(403)
  expect((await ask('alice', '/api/v1/repositories/team/app/-/tags/v1', 'DELETE')).status).toBe(403)
  expect((await ask(undefined, '/api/v1/repositories')).status).toBe(401)
  expect(Object.keys(JSON.parse((await ask('alice', '/api/v1')).body))).toEqual(['version'])
  expect(JSON.parse((await ask('root', '/api/v1')).body)).toMatchObject({ repositories: 2, tags: 2 })
  for (const at of ['gc', 'gc/preview', 'retention/preview', 'scrub', 'audit', 'webhooks', 'robots'].map(
    (name) => `/api/v1/${name}`,
  )) {
    expect([at, (await ask('alice', at)).status, (await ask(undefined, at)).status]).toEqual([at, 403, 401])
    expect([at, (await ask('root', at)).status]).toEqual([at, 200])
  }
  for (const at of ['gc', 'retention', 'scrub']) expect((await ask('alice', `/api/v1/${at}`, 'POST')).status).toBe(403)
  expect([(await ask('alice', '/metrics')).status, (await ask('root', '/metrics')).status]).toEqual([403, 200])
  expect((await ask(undefined, '/healthz')).status).toBe(200)
})

test.each([
  ['/api/v1/repositories?limit=0', 400],
  ['/api/v1/repositories?sort=beauty', 400],
  ['/api/v1/repositories/none', 404],
  ['/api/v1/repositories/none/-/tags', 404],
  ['/api/v1/nothing', 404],
])('%s: %i', async (at, status) => {
  const server = await startRegistry({ parts: PARTS })
  const answer = await send(server, 'GET', at)
  expect([answer.status, answer.code !== undefined]).toEqual([status, true])
})
