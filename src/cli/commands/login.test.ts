import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Answer, callMain } from '../fixture.suite.ts'
import { main } from '../main.ts'

const AUTH = Buffer.from('alice:wonder').toString('base64')
let folder: string
let config: string
let server: string
const registry = createServer((request, response) => {
  if (request.headers.authorization === `Basic ${AUTH}`) response.writeHead(200).end('{}')
  else response.writeHead(401, { 'www-authenticate': 'Basic realm="test"' }).end()
})

beforeAll(async () => {
  await new Promise<void>((resolve) => void registry.listen(0, '127.0.0.1', resolve))
  server = `127.0.0.1:${(registry.address() as AddressInfo).port}`
})
afterAll(() => void registry.close())
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'slipway-login-'))
  config = path.join(folder, 'config.json')
  return () => rmSync(folder, { recursive: true, force: true })
})

const environment = (): Record<string, string> => ({ HOME: folder, DOCKER_CONFIG: folder, PATH: '/nowhere' })
const call = (argv: readonly string[], stdin = '', env = {}): Promise<Answer> =>
  callMain(argv, { env: { ...environment(), ...env }, stdin })
const saved = (): unknown => JSON.parse(readFileSync(config, 'utf8'))
const store = (document: object): void => writeFileSync(config, JSON.stringify(document))

const UNENCRYPTED = (file: string): string => `
WARNING! Your credentials are stored unencrypted in '${file}'.
Configure a credential helper to remove this warning. See
https://docs.docker.com/go/credential-store/

`
const EXISTING = `Authenticating with existing credentials... [Username: alice]

 Info -> To login with a different account, run 'slipway logout' followed by 'slipway login'


`
const INSECURE = 'WARNING! Using --password via the CLI is insecure. Use --password-stdin.\n'
const PRECEDENCE = `
 Warn -> DOCKER_AUTH_CONFIG is set and takes precedence.
         Unset DOCKER_AUTH_CONFIG to restore the CLI auth behaviour.

`

test('the password from standard input, without the end of its line', async () => {
  const answer = await call(['login', '-u', 'alice', '--password-stdin', server], 'wonder\n')
  expect(answer).toEqual({ code: 0, out: 'Login Succeeded\n', err: UNENCRYPTED(config) })
  expect(saved()).toEqual({ auths: { [server]: { auth: AUTH } } })
})

test('the password on the command line', async () => {
  const answer = await call(['login', '-u', 'alice', '-p', 'wonder', server])
  expect(answer).toEqual({ code: 0, out: 'Login Succeeded\n', err: INSECURE + UNENCRYPTED(config) })
  expect(await call(['login', '-u', 'alice', '-p', 'wonder', server])).toEqual({
    code: 0,
    out: 'Login Succeeded\n',
    err: INSECURE,
  })
})

test('--config names the folder', async () => {
  const answer = await call(
    ['--config', `${folder}/other`, 'login', '-u', 'alice', '--password-stdin', server],
    'wonder',
  )
  expect(answer.err).toBe(UNENCRYPTED(`${folder}/other/config.json`))
})

test('a wrong password: nothing is kept', async () => {
  const { code, out, err } = await call(['login', '-u', 'alice', '--password-stdin', server], 'wrong')
  expect([code, out]).toEqual([1, ''])
  expect(err).toContain(`error: login attempt to ${server} failed with status: 401 Unauthorized`)
  expect(err).toContain('REGISTRY_UNAUTHORIZED')
  expect(err).not.toContain('wrong')
  expect(saved).toThrow('ENOENT')
})

describe('what the flags cannot mean', () => {
  test.each([
    [['--password-stdin'], 'the --password-stdin option requires --username to be set'],
    [
      ['-u', 'a', '-p', 'b', '--password-stdin'],
      'conflicting options: cannot specify both --password and --password-stdin',
    ],
    [['-u', '', '-p', 'b'], 'username is empty'],
    [['-u', 'a', '-p', ''], 'password is empty'],
    [[], 'Cannot perform an interactive login from a non TTY device'],
    [['-u', 'a'], 'Cannot perform an interactive login from a non TTY device'],
    [['-u', 'a', '--password-stdin'], 'Cannot perform an interactive login from a non TTY device'],
  ])('%j', async (flags, message) => {
    const { code, out, err } = await call(['login', ...flags, '127.0.0.1:1'])
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(`error: ${message}`)
  })
})

describe('credentials that are known', () => {
  test('are tried first', async () => {
    store({ auths: { [server]: { auth: AUTH } } })
    expect(await call(['login', server])).toEqual({ code: 0, out: 'Login Succeeded\n', err: EXISTING })
  })

  test('and when they fail, others are asked for', async () => {
    store({ auths: { [server]: { auth: Buffer.from('alice:old').toString('base64') } } })
    const { code, err } = await call(['login', server])
    expect(code).toBe(1)
    expect(err).toContain(`${EXISTING}Login did not succeed, error: login attempt to ${server} failed`)
    expect(err).toContain('error: Cannot perform an interactive login from a non TTY device')
  })

  test('in DOCKER_AUTH_CONFIG: they are used, kept, and go before others', async () => {
    const env = { DOCKER_AUTH_CONFIG: JSON.stringify({ auths: { [server]: { auth: AUTH } } }) }
    const { code, err } = await call(['login', server], '', env)
    expect([code, err]).toEqual([0, PRECEDENCE + EXISTING + UNENCRYPTED(config)])
    expect((await call(['logout', server], '', env)).err).toBe(PRECEDENCE)
    expect(saved()).toEqual({ auths: {} })
  })
})

describe('on a terminal', () => {
  /** Runs `slipway login` on a terminal where these lines are typed. */
  async function type(argv: readonly string[], ...lines: string[]): Promise<Answer> {
    const [out, err]: string[][] = [[], []]
    const keep = (list: string[]): { write(text: string | Uint8Array): Promise<void>; writeNow(): void } => ({
      write: async (text) => void list.push(String(text)),
      writeNow: () => {},
    })
    const terminal = { terminal: () => ({ isTerminal: false, columns: 100, rows: 24, colors: false }) }
    const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} })
    stdin.end(lines.map((line) => `${line}\n`).join(''))
    const io = {
      stdout: { ...keep(out!), ...terminal },
      stderr: { ...keep(err!), ...terminal },
      stdin: () => stdin as unknown as NodeJS.ReadStream,
    }
    const code = await main(argv, { io, env: environment() })
    return { code, out: out!.join(''), err: err!.join('') }
  }

  test('asks for what the flags do not say', async () => {
    expect(await type(['login', server], 'alice', 'wonder')).toEqual({
      code: 0,
      out: 'Username: Password: \nLogin Succeeded\n',
      err: UNENCRYPTED(config),
    })
    expect((await type(['login', '-u', 'alice', server], 'wonder')).out).toBe('Password: \nLogin Succeeded\n')
    expect((await type(['login', '-p', 'wonder', server], ' alice ')).out).toBe('Username: Login Succeeded\n')
  })

  test('offers the name that is known', async () => {
    store({ auths: { [server]: { auth: Buffer.from('alice:old').toString('base64') } } })
    expect((await type(['login', server], '', 'wonder')).out).toBe('Username (alice): Password: \nLogin Succeeded\n')
  })

  test('needs both', async () => {
    expect((await type(['login', server], '')).err).toContain('error: Non-null Username Required')
    expect((await type(['login', server], 'alice', '')).err).toContain('error: Password Required')
  })
})

describe('logout', () => {
  test('forgets a registry, known or not', async () => {
    store({ auths: { [server]: { auth: AUTH } }, other: 1 })
    const answer = { code: 0, out: `Removing login credentials for ${server}\n`, err: '' }
    expect(await call(['logout', `http://${server}/v2/`])).toEqual(answer)
    expect(saved()).toEqual({ auths: {}, other: 1 })
    expect(await call(['logout', server])).toEqual(answer)
  })

  test('without a server it is Docker Hub', async () => {
    const { out } = await call(['logout'])
    expect(out).toBe('Removing login credentials for https://index.docker.io/v1/\n')
  })

  test('a helper that is gone is told about', async () => {
    store({ credsStore: 'gone' })
    const { code, err } = await call(['logout', 'h'])
    expect(code).toBe(0)
    expect(err).toMatch(
      /^WARNING: could not erase credentials:\nh: error erasing credentials - err: exec: "docker-cred/,
    )
  })
})

test('a config.json that is damaged is an error, and stays as it is', async () => {
  writeFileSync(config, '{"auths": {')
  for (const argv of [
    ['login', server],
    ['login', '-u', 'alice', '-p', 'wonder', server],
    ['logout', server],
  ]) {
    const { code, err } = await call(argv)
    expect(code).toBe(1)
    expect(err).toContain(`error: ${config}:1: the JSON ends too early`)
  }
  expect(readFileSync(config, 'utf8')).toBe('{"auths": {')
})

test('a helper that is missing has Docker’s words', async () => {
  store({ credsStore: 'gone' })
  const { code, err } = await call(['login', '-u', 'alice', '-p', 'wonder', server])
  expect(code).toBe(1)
  expect(err).toContain(
    'error storing credentials - err: exec: "docker-credential-gone": executable file not found in $PATH, out: ``',
  )
})
