import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { type CredentialsOptions, knownLogin, login, logout } from './login.ts'

const BASIC = `Basic ${Buffer.from('alice:wonder').toString('base64')}`

/** A user without any files, on a machine without any. */
function openUser(): CredentialsOptions & { config(): unknown } {
  const home = mkdtempSync(path.join(tmpdir(), 'slipway-login-'))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const config = (): unknown => JSON.parse(readFileSync(path.join(home, '.docker/config.json'), 'utf8'))
  return { home, etc: path.join(home, 'etc'), env: {}, config }
}

/** A registry that knows alice; `host:port`. */
async function openRegistry(
  answer: (request: IncomingMessage, response: ServerResponse, own: string) => void,
): Promise<string> {
  let own = ''
  const server = createServer((request, response) => answer(request, response, own))
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  own = `127.0.0.1:${(server.address() as AddressInfo).port}`
  return own
}

function basic(request: IncomingMessage, response: ServerResponse): void {
  if (request.headers.authorization === BASIC) response.writeHead(200).end('{}')
  else response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
}

/** The registry and its token server in one; it gives a refresh token to those who ask for one. */
function bearer(request: IncomingMessage, response: ServerResponse, own: string): void {
  const url = new URL(request.url!, `http://${own}`)
  if (url.pathname === '/token') {
    if (request.method !== 'GET') return void response.writeHead(404).end()
    if (request.headers.authorization !== BASIC) return void response.writeHead(401).end()
    const wanted = url.searchParams.get('offline_token') === 'true'
    return void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(JSON.stringify({ token: 'access', ...(wanted ? { refresh_token: 'refresh' } : {}) }))
  }
  if (request.headers.authorization === 'Bearer access') response.writeHead(200).end('{}')
  else response.writeHead(401, { 'www-authenticate': `Bearer realm="http://${own}/token",service="test"` }).end()
}

test('credentials that the registry accepts are kept, found, and forgotten', async () => {
  const user = openUser()
  const server = await openRegistry(basic)
  const kept = await login({ server: `http://${server}/v2/`, username: 'alice', password: 'wonder', ...user })
  expect(kept).toEqual({ unencryptedIn: path.join(user.home!, '.docker/config.json') })
  expect(user.config()).toEqual({ auths: { [server]: { auth: BASIC.slice(6) } } })
  expect(await knownLogin(server, user)).toEqual({ username: 'alice', password: 'wonder' })
  expect(await logout(server, user)).toEqual({ server, problems: [] })
  expect(user.config()).toEqual({ auths: {} })
  expect(await knownLogin(server, user)).toBeUndefined()
})

test('credentials that it refuses are not', async () => {
  const user = openUser()
  const server = await openRegistry(basic)
  const asked = login({ server, username: 'alice', password: 'wrong', ...user })
  await expect(asked).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    message: expect.stringMatching(/^login attempt to 127\.0\.0\.1:\d+ failed with status: 401 Unauthorized: /),
    hint: 'check the username and the password.',
  })
  expect(() => user.config()).toThrow('ENOENT')
})

test('an identity token is kept in place of the password', async () => {
  const user = openUser()
  const server = await openRegistry(bearer)
  expect(await login({ server, username: 'alice', password: 'wonder', ...user })).toEqual({})
  const auth = Buffer.from('alice:').toString('base64')
  expect(user.config()).toEqual({ auths: { [server]: { auth, identitytoken: 'refresh' } } })
  expect(await knownLogin(server, user)).toBeUndefined()
})

test('a registry that nobody serves, a user that cannot be one, a server that is none', async () => {
  const user = openUser()
  const who = { username: 'a', password: 'b', ...user }
  await expect(login({ server: '127.0.0.1:1', ...who })).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
  await expect(login({ ...who, server: '127.0.0.1:1', username: 'a:b' })).rejects.toThrow('cannot contain a colon')
  await expect(login({ server: 'a b', ...who })).rejects.toMatchObject({ code: 'REFERENCE_INVALID' })
  await expect(logout('a b', user)).rejects.toMatchObject({ code: 'REFERENCE_INVALID' })
})

test('without a server Docker Hub is meant', async () => {
  expect(await logout(undefined, openUser())).toEqual({ server: 'https://index.docker.io/v1/', problems: [] })
})

test('a password for Docker Hub is never shown to what answers for it here', async () => {
  const user = openUser()
  const heard: (string | undefined)[] = []
  const cache = await openRegistry((request, response) => {
    heard.push(request.headers.authorization)
    basic(request, response)
  })
  const folder = path.join(user.etc!, 'docker/certs.d/docker.io')
  mkdirSync(folder, { recursive: true })
  writeFileSync(path.join(folder, 'hosts.toml'), `server = "http://${cache}"\n[host."http://${cache}/mirror"]\n`)
  // Docker Hub itself is not there in tests, or does not know alice
  const signal = AbortSignal.timeout(3000)
  const asked = login({ username: 'alice', password: 'wonder', ...user }, { progress: () => {}, signal })
  await expect(asked).rejects.toMatchObject({ code: expect.stringMatching(/REGISTRY_|CANCELED/) })
  expect(heard).toEqual([])
})

test('a token server in another domain gets the password when the user names it, and is remembered', async () => {
  const user = openUser()
  const server = await openRegistry((request, response, own) =>
    bearer(request, response, own.replace('127.0.0.1', 'localhost')),
  )
  const request = { server, username: 'alice', password: 'wonder', ...user }
  const tokenServer = server.replace('127.0.0.1', 'localhost')
  await expect(login(request)).rejects.toMatchObject({
    code: 'REGISTRY_UNAUTHORIZED',
    hint: expect.stringContaining(`--token-server ${tokenServer} ${server}`),
  })
  await login({ ...request, tokenServer })
  const auth = Buffer.from('alice:').toString('base64')
  expect(user.config()).toEqual({ auths: { [server]: { auth, identitytoken: 'refresh', tokenserver: tokenServer } } })
})
