import { chmodSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { authOf, openMachine } from './fixture.suite.ts'

const ALICE = { kind: 'password', username: 'alice', password: 'wonder' }
const BOB = { kind: 'password', username: 'bob', password: 'builder' }
const CONFIG = 'home/.docker/config.json'
const alice = authOf('alice', 'wonder')
const bob = authOf('bob', 'builder')

test('without any file nobody is known', async () => {
  expect(await openMachine().settings().credentials('docker.io', 'library/busybox')).toBeUndefined()
})

describe('what config.json holds', () => {
  test.each([
    ['user and password', alice, ALICE],
    ['a password with a colon', authOf('a', 'b:c'), { kind: 'password', username: 'a', password: 'b:c' }],
    ['zero bytes after the password', authOf('a', 'b\0\0'), { kind: 'password', username: 'a', password: 'b' }],
    ['user and password in the clear', { username: 'alice', password: 'wonder' }, ALICE],
    ['an identity token', { identitytoken: 't' }, { kind: 'identity-token', token: 't' }],
    [
      'an identity token and its user',
      { auth: authOf('alice', '').auth, identitytoken: 't' },
      { kind: 'identity-token', token: 't', username: 'alice' },
    ],
    ['a registry token', { registrytoken: 't', ...alice }, { kind: 'registry-token', token: 't' }],
    ['an entry whose secret is elsewhere', {}, undefined],
    ['no entry at all', null, undefined],
  ])('%s', async (_, entry, expected) => {
    const machine = openMachine()
    machine.write(CONFIG, { auths: { 'h.example.com': entry } })
    expect(await machine.settings().credentials('h.example.com')).toEqual(expected)
  })

  test.each(['https://index.docker.io/v1/', 'index.docker.io', 'docker.io', 'https://registry-1.docker.io/v2/'])(
    'Docker Hub may be called %s',
    async (key) => {
      const machine = openMachine()
      machine.write(CONFIG, { auths: { [key]: alice } })
      expect(await machine.settings().credentials('docker.io', 'library/busybox')).toEqual(ALICE)
    },
  )

  test('the plain name of a registry goes before its address, and a port is part of it', async () => {
    const machine = openMachine()
    machine.write(CONFIG, { auths: { 'https://h:5000/v1/': bob, 'h:5000': alice, h: bob } })
    expect(await machine.settings().credentials('h:5000')).toEqual(ALICE)
    expect(await machine.settings().credentials('h:5001')).toBeUndefined()
  })

  test('what the login in a browser left are no credentials for Docker Hub', async () => {
    const machine = openMachine()
    const left = ['access-token', 'refresh-token'].map((name) => [`https://index.docker.io/v1/${name}`, bob])
    machine.write(CONFIG, { auths: Object.fromEntries(left) })
    expect(await machine.settings().credentials('docker.io')).toBeUndefined()
  })

  test('the longest key wins', async () => {
    const machine = openMachine()
    machine.write(CONFIG, { auths: { 'h/team': alice, h: bob, 'h/tea': bob, 'h/team/app/x': bob } })
    const { credentials } = machine.settings()
    expect(await credentials('h', 'team/app')).toEqual(ALICE)
    expect(await credentials('h', 'teams')).toEqual(BOB)
    expect(await credentials('h')).toEqual(BOB)
  })

  test('a key such as __proto__ or constructor is just a key', async () => {
    const machine = openMachine()
    machine.write(CONFIG, `{"auths":{"__proto__":${JSON.stringify(alice)},"constructor":{}}}`)
    const { credentials } = machine.settings()
    expect(await credentials('constructor')).toBeUndefined()
    expect(await credentials('toString')).toBeUndefined()
    expect(await credentials('h')).toBeUndefined()
  })
})

describe('which file counts', () => {
  test('DOCKER_AUTH_CONFIG, config.json, REGISTRY_AUTH_FILE, the runtime folder, the configuration folder', async () => {
    const machine = openMachine()
    const as = (username: string): object => ({ auths: { 'h.example.com': authOf(username, 'p') } })
    machine.env['XDG_RUNTIME_DIR'] = path.join(machine.home, 'run')
    const who = async (): Promise<unknown> => {
      const found = await machine.settings().credentials('h.example.com')
      return found?.kind === 'password' ? found.username : undefined
    }
    machine.write('home/.config/containers/auth.json', as('fifth'))
    expect(await who()).toBe('fifth')
    machine.write('home/run/containers/auth.json', as('fourth'))
    expect(await who()).toBe('fourth')
    machine.env['REGISTRY_AUTH_FILE'] = machine.write('elsewhere.json', as('third'))
    expect(await who()).toBe('third')
    machine.write(CONFIG, as('second'))
    expect(await who()).toBe('second')
    machine.env['DOCKER_AUTH_CONFIG'] = JSON.stringify(as('first'))
    expect(await who()).toBe('first')
  })

  test('a file that does not know the registry leaves it to the next', async () => {
    const machine = openMachine()
    machine.env['DOCKER_AUTH_CONFIG'] = JSON.stringify({ auths: { other: bob } })
    machine.write(CONFIG, { auths: { 'h.example.com': {} } })
    machine.write('home/.config/containers/auth.json', { auths: { 'h.example.com': alice } })
    expect(await machine.settings().credentials('h.example.com')).toEqual(ALICE)
  })

  test('DOCKER_CONFIG names another folder', async () => {
    const machine = openMachine()
    machine.write(CONFIG, { auths: { h: bob } })
    machine.env['DOCKER_CONFIG'] = path.dirname(machine.write('other/config.json', { auths: { h: alice } }))
    expect(await machine.settings().credentials('h')).toEqual(ALICE)
  })

  test('an empty file says nothing', async () => {
    const machine = openMachine()
    machine.write(CONFIG, ' \n')
    expect(await machine.settings().credentials('h')).toBeUndefined()
  })
})

describe('helpers', () => {
  const GET = 'cat >$NOTES; echo \'{"ServerURL":"x","Username":"alice","Secret":"wonder"}\''

  test('credsStore is asked for all registries, by the name of the registry alone', async () => {
    const machine = openMachine()
    const notes = machine.helper('safe', GET)
    machine.write(CONFIG, { credsStore: 'safe', auths: { 'h:5000': bob } })
    expect(await machine.settings().credentials('h:5000', 'team/app')).toEqual(ALICE)
    expect(readFileSync(notes, 'utf8')).toBe('h:5000')
    await machine.settings().credentials('docker.io')
    expect(readFileSync(notes, 'utf8')).toBe('https://index.docker.io/v1/')
  })

  test('credHelpers goes before credsStore, for its registries', async () => {
    const machine = openMachine()
    machine.helper('safe', GET)
    machine.helper('cloud', 'echo \'{"Username":"<token>","Secret":"t"}\'')
    machine.write(CONFIG, { credsStore: 'safe', credHelpers: { 'c.example.com': 'cloud', 'docker.io': 'cloud' } })
    const { credentials } = machine.settings()
    expect(await credentials('c.example.com')).toEqual({ kind: 'identity-token', token: 't' })
    expect(await credentials('docker.io')).toEqual({ kind: 'identity-token', token: 't' })
    expect(await credentials('h.example.com')).toEqual(ALICE)
  })

  test('a registry that the helper does not know is looked up in the files of podman', async () => {
    const machine = openMachine()
    machine.helper('safe', 'echo credentials not found in native keychain; exit 1')
    machine.write(CONFIG, { credsStore: 'safe', auths: { h: bob } })
    expect(await machine.settings().credentials('h')).toBeUndefined()
    machine.write('home/.config/containers/auth.json', { auths: { h: alice } })
    expect(await machine.settings().credentials('h')).toEqual(ALICE)
  })
})

describe('what cannot be understood', () => {
  test.each([
    ['{\n "auths": {\n  "h": {"auth": "secret" "x"}\n }}', ':3: this is not JSON'],
    ['{\n "auths": {', ':2: the JSON ends too early'],
    ['[]', ':1: it must be an object'],
    ['{\n "auths": 3}', ':2: auths must be an object'],
    ['{\n "auths":\n {"h": {"auth": 12}}}', ':3: auths.h.auth must be a string'],
    ['{\n "credsStore": {}}', ':2: credsStore must be a string'],
    ['{\n "auths":\n {"h": {"auth": "!secret!"}}}', ':3: auths.h.auth is not the base64 of user:password'],
    ['{\n "auths":\n {"h": {"auth": "c2VjcmV0"}}}', ':3: auths.h.auth is not the base64 of user:password'],
  ])('%j', async (text, message) => {
    const machine = openMachine()
    const file = machine.write(CONFIG, text)
    const error: Error & { code?: string } = await machine
      .settings()
      .credentials('h')
      .then(
        () => new Error('nothing'),
        (each) => each,
      )
    expect(error.code).toBe('REGISTRY_CONFIG_INVALID')
    expect(error.message).toBe(`${file}${message}`)
    expect(`${error.message}${JSON.stringify(error)}`).not.toMatch(/secret|c2VjcmV0/)
  })

  test('an entry that is damaged does not matter to other registries', async () => {
    const machine = openMachine()
    machine.write(CONFIG, { auths: { bad: { auth: '!' }, h: alice } })
    expect(await machine.settings().credentials('h')).toEqual(ALICE)
  })

  test('DOCKER_AUTH_CONFIG is named where it is at fault', async () => {
    const machine = openMachine()
    machine.env['DOCKER_AUTH_CONFIG'] = '{bad'
    await expect(machine.settings().credentials('h')).rejects.toThrow('DOCKER_AUTH_CONFIG:1: this is not JSON')
  })

  test('a file that is far too large, too deep, or no file', async () => {
    const machine = openMachine()
    const { credentials } = machine.settings()
    machine.write(CONFIG, ' '.repeat((1 << 20) + 1))
    await expect(credentials('h')).rejects.toThrow('config.json is larger than 1048576 bytes')
    machine.write(CONFIG, '['.repeat(1000) + ']'.repeat(1000))
    await expect(credentials('h')).rejects.toThrow('config.json: it is not UTF-8, or nested too deeply')
    machine.env['DOCKER_CONFIG'] = path.dirname(path.dirname(machine.write('folder/config.json/x', '')))
    await expect(machine.settings().credentials('h')).rejects.toThrow('config.json is not a file')
  })

  test.skipIf(process.getuid?.() === 0)('a file that we may not read', async () => {
    const machine = openMachine()
    chmodSync(machine.write(CONFIG, {}), 0)
    await expect(machine.settings().credentials('h')).rejects.toThrow('config.json cannot be read (EACCES)')
  })
})

test('the token server that may see them stands in config.json, also where a helper keeps the rest', async () => {
  const machine = openMachine()
  machine.helper('keep', `echo '{"Username":"me","Secret":"secret"}'`)
  const tokenserver = 'auth.example.org'
  machine.write('home/.docker/config.json', {
    auths: { 'a.example.com': { ...authOf('me', 'secret'), tokenserver }, 'b.example.com': { tokenserver } },
    credHelpers: { 'b.example.com': 'keep', 'c.example.com': 'keep' },
  })
  const kept = { kind: 'password', username: 'me', password: 'secret' }
  const settings = machine.settings()
  expect(await settings.credentials('a.example.com')).toEqual({ ...kept, tokenServer: tokenserver })
  expect(await settings.credentials('b.example.com')).toEqual({ ...kept, tokenServer: tokenserver })
  expect(await settings.credentials('c.example.com')).toEqual(kept)
})
