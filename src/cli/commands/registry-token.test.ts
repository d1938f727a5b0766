import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { hashSync } from 'bcrypt'
import { expect, test } from 'vitest'
import { serveRegistry } from '../../serve/index.ts'
import { openCommandLine } from '../fixture.suite.ts'

test('a token is made, used, listed and removed while the registry runs', async () => {
  const run = openCommandLine()
  const root = path.join(run.root, 'registry')
  mkdirSync(root, { recursive: true })
  const htpasswd = path.join(root, 'users')
  writeFileSync(htpasswd, `alice:${hashSync('pw', 4)}\n`)
  await using server = await serveRegistry({ root, config: { listen: '127.0.0.1:0', access: { htpasswd } } })

  const made = await run('registry', 'token', 'create', '-s', 'team/*:pull,push', '--description', 'builds', 'ci')
  expect(made).toMatchObject({ code: 0, err: 'User name: robot.ci\n' })
  const secret = made.out.trim()
  const status = async (): Promise<number> => {
    const authorization = `Basic ${Buffer.from(`robot.ci:${secret}`).toString('base64')}`
    const answer = await fetch(`${server.url}/v2/team/app/tags/list`, { headers: { authorization } })
    return answer.status
  }
  const format = '{{.User}} {{.Scopes}} {{.Description}} {{.Expires}} {{.LastUsed}}'
  expect((await run('registry', 'token', 'ls', '--format', format)).out).toBe(
    'robot.ci team/*:pull,push builds in 3 months never\n',
  )
  expect(await status()).toBe(404)
  expect((await run('registry', 'token', 'ls')).out).toMatch(
    /NAME +USER NAME +SCOPES +CREATED +EXPIRES +LAST USED\nci +robot\.ci +.*ago *\n$/,
  )
  expect(await run('registry', 'token', 'rm', 'ci', 'cd')).toEqual({
    code: 1,
    out: 'ci\n',
    err: expect.stringContaining('No such robot token: cd'),
  })
  await expect.poll(status, { timeout: 5000 }).toBe(401)
  expect((await run('registry', 'token', 'ls', '-q')).out).toBe('')
})

test('what makes no sense is refused', async () => {
  const run = openCommandLine()
  const create = (...argv: string[]) => run('registry', 'token', 'create', ...argv)
  expect(await create('ci')).toMatchObject({ code: 1, err: expect.stringContaining('needs a scope') })
  expect((await create('--scope', 'team', 'ci')).err).toContain('invalid scope "team"')
  expect((await create('--scope', 'team:read', 'ci')).err).toContain('unknown action "read"')
  expect((await create('--scope', 'a:pull', '--expires', 'soon', 'ci')).err).toContain('invalid time "soon"')
  expect((await create('--scope', 'a:pull', 'C I')).err).toContain('invalid name')
  expect((await create('--scope', 'a:pull', '--expires', 'never', 'ci')).code).toBe(0)
  expect((await create('--scope', 'a:pull', 'ci')).err).toContain('there is a robot token named ci')
})
