import { spawn } from 'node:child_process'
import { once } from 'node:events'
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { authOf, openMachine } from './fixture.suite.ts'
import { forgetCredentials, keepCredentials } from './keep-credentials.ts'

const ALICE = { kind: 'password', username: 'alice', password: 'wonder' } as const
const CONFIG = 'home/.docker/config.json'
const alice = authOf('alice', 'wonder')
const read = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'))

describe('keepCredentials', () => {
  test('makes a file that only its user can read', async () => {
    const machine = openMachine()
    const file = path.join(machine.home, '.docker/config.json')
    expect(await keepCredentials('h:5000', ALICE, machine)).toEqual({ unencryptedIn: file })
    expect(readFileSync(file, 'utf8')).toBe(
      `{\n\t"auths": {\n\t\t"h:5000": {\n\t\t\t"auth": "${alice.auth}"\n\t\t}\n\t}\n}`,
    )
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(path.dirname(file)).mode & 0o777).toBe(0o700)
    expect(await machine.settings().credentials('h:5000')).toEqual(ALICE)
  })

  test('Docker Hub has the key that Docker gives it', async () => {
    const machine = openMachine()
    await keepCredentials('docker.io', ALICE, machine)
    expect(read(path.join(machine.home, '.docker/config.json'))).toEqual({
      auths: { 'https://index.docker.io/v1/': alice },
    })
  })

  test('what is not ours stays: keys, numbers, other registries, mode', async () => {
    const machine = openMachine()
    const text = `{"proxies":{"default":{"httpProxy":"http://p"}},"__proto__":{"x":1},"big":12345678901234567890,
      "auths":{"other":{"auth":"eDp5","extra":[null,1.5]},"h":{"auth":"b2xkOm9sZA==","email":"a@b"}},"currentContext":"é"}`
    const file = machine.write(CONFIG, text)
    chmodSync(file, 0o640)
    await keepCredentials('h', ALICE, machine)
    const after = readFileSync(file, 'utf8')
    const expected = text.replace('"auth":"b2xkOm9sZA==","email":"a@b"', `"email":"a@b","auth":"${alice.auth}"`)
    expect(after.replaceAll(/\s/g, '')).toBe(expected.replaceAll(/\s/g, ''))
    expect(statSync(file).mode & 0o777).toBe(0o640)
  })

  test('says nothing of a password that stood there before', async () => {
    const machine = openMachine()
    const file = machine.write(CONFIG, { auths: { h: alice } })
    const before = statSync(file)
    expect(await keepCredentials('h', ALICE, machine)).toEqual({})
    expect(statSync(file).ino).toBe(before.ino)
  })

  test('keeps tokens in place of the password', async () => {
    const machine = openMachine()
    const file = machine.write(CONFIG, { auths: { h: alice } })
    const token = { kind: 'identity-token', token: 't', username: 'alice' } as const
    expect(await keepCredentials('h', token, machine)).toEqual({})
    expect(read(file)).toEqual({ auths: { h: { ...authOf('alice', ''), identitytoken: 't' } } })
    expect(await machine.settings().credentials('h')).toEqual(token)
    await keepCredentials('h', { kind: 'registry-token', token: 'r' }, machine)
    expect(read(file)).toEqual({ auths: { h: { registrytoken: 'r' } } })
  })

  test('gives the secret to the helper, and takes it out of the file', async () => {
    const machine = openMachine()
    const notes = machine.helper('safe', 'echo "$1 $(cat)" >>$NOTES')
    const file = machine.write(CONFIG, { credHelpers: { h: 'safe' }, auths: { h: authOf('old', 'old') } })
    expect(await keepCredentials('h', ALICE, machine)).toEqual({})
    expect(readFileSync(notes, 'utf8')).toBe('store {"ServerURL":"h","Username":"alice","Secret":"wonder"}\n')
    expect(read(file)).toEqual({ credHelpers: { h: 'safe' }, auths: { h: {} } })
  })

  test('a helper that fails leaves the file as it was', async () => {
    const machine = openMachine()
    machine.helper('safe', 'echo it is locked; exit 1')
    const file = machine.write(CONFIG, { credsStore: 'safe' })
    await expect(keepCredentials('h', ALICE, machine)).rejects.toMatchObject({
      code: 'CREDENTIAL_HELPER_FAILED',
      message: 'error storing credentials - err: exit status 1, out: `it is locked`',
    })
    expect(read(file)).toEqual({ credsStore: 'safe' })
  })

  test.each(['{broken', '{"auths": []} x', '[]', '{"auths": {"h": 1}}'])('never overwrites %j', async (text) => {
    const machine = openMachine()
    const file = machine.write(CONFIG, text)
    await expect(keepCredentials('h', ALICE, machine)).rejects.toMatchObject({ code: 'REGISTRY_CONFIG_INVALID' })
    await expect(forgetCredentials('x', machine)).rejects.toMatchObject({ code: 'REGISTRY_CONFIG_INVALID' })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  test('an empty file is filled', async () => {
    const machine = openMachine()
    const file = machine.write(CONFIG, '')
    await keepCredentials('h', ALICE, machine)
    expect(read(file)).toEqual({ auths: { h: alice } })
  })

  test.each([true, false])('a symbolic link stays one (its file is there: %s)', async (isThere) => {
    const machine = openMachine()
    mkdirSync(path.join(machine.home, '.docker'))
    mkdirSync(path.join(machine.home, 'dotfiles'))
    const target = path.join(machine.home, 'dotfiles/docker.json')
    if (isThere) writeFileSync(target, '{"x":1}')
    const link = path.join(machine.home, '.docker/config.json')
    symlinkSync('../dotfiles/docker.json', link)
    await keepCredentials('h', ALICE, machine)
    expect(lstatSync(link).isSymbolicLink()).toBe(true)
    expect(read(target)).toEqual({ ...(isThere ? { x: 1 } : {}), auths: { h: alice } })
  })

  test('links in a circle are an error', async () => {
    const machine = openMachine()
    mkdirSync(path.join(machine.home, '.docker'))
    symlinkSync('config.json', path.join(machine.home, '.docker/config.json'))
    await expect(keepCredentials('h', ALICE, machine)).rejects.toMatchObject({ code: 'REGISTRY_CONFIG_INVALID' })
  })

  test('a folder that cannot be made is an error with a way out', async () => {
    const machine = openMachine()
    machine.env['DOCKER_CONFIG'] = path.join(machine.write('file', ''), 'x')
    await expect(keepCredentials('h', ALICE, machine)).rejects.toMatchObject({
      code: 'REGISTRY_CONFIG_INVALID',
      hint: expect.stringContaining('DOCKER_CONFIG'),
    })
  })

  test('processes that write at once lose nothing, and leave nothing behind', async () => {
    const machine = openMachine()
    const script = `
      import { keepCredentials } from ${JSON.stringify(path.join(import.meta.dirname, 'keep-credentials.ts'))}
      const [name] = process.argv.slice(1)
      for (let i = 0; i < 10; i++)
        await keepCredentials(name + i, { kind: 'password', username: 'u', password: 'p' }, ${JSON.stringify({ ...machine, env: machine.env })})`
    const children = ['a', 'b', 'c'].map((name) =>
      spawn(process.execPath, ['--input-type=module', '-e', script, name], { stdio: ['ignore', 'ignore', 'inherit'] }),
    )
    const codes = await Promise.all(children.map(async (child) => (await once(child, 'close'))[0]))
    expect(codes).toEqual([0, 0, 0])
    const folder = path.join(machine.home, '.docker')
    const { auths } = read(path.join(folder, 'config.json')) as { auths: object }
    expect(Object.keys(auths)).toHaveLength(30)
    expect(readdirSync(folder).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })
})

describe('forgetCredentials', () => {
  test('takes all spellings of a registry away, and nothing else', async () => {
    const machine = openMachine()
    const auths = { 'h:1': alice, 'http://h:1': alice, 'https://h:1/v2/': alice, 'h:1/team': alice, 'h:2': alice }
    const file = machine.write(CONFIG, { auths, x: 1 })
    expect(await forgetCredentials('h:1', machine)).toEqual({ problems: [] })
    expect(read(file)).toEqual({ auths: { 'h:1/team': alice, 'h:2': alice }, x: 1 })
  })

  test('Docker Hub by any name', async () => {
    const machine = openMachine()
    const file = machine.write(CONFIG, {
      auths: {
        'https://index.docker.io/v1/': alice,
        'docker.io': alice,
        'https://index.docker.io/v1/refresh-token': alice,
      },
    })
    await forgetCredentials('docker.io', machine)
    expect(read(file)).toEqual({ auths: {} })
  })

  test('without a file there is nothing to do, and none is made', async () => {
    const machine = openMachine()
    expect(await forgetCredentials('h', machine)).toEqual({ problems: [] })
    expect(existsSync(path.join(machine.home, '.docker'))).toBe(false)
  })

  test('asks the helper for each name', async () => {
    const machine = openMachine()
    const notes = machine.helper('safe', 'echo "$1 $(cat)" >>$NOTES')
    const file = machine.write(CONFIG, { credsStore: 'safe', auths: { h: {} } })
    await forgetCredentials('h', machine)
    expect(readFileSync(notes, 'utf8')).toBe('erase h\nerase http://h\nerase https://h\n')
    expect(read(file)).toEqual({ credsStore: 'safe', auths: {} })
  })

  test('a helper that fails is told about, and the file forgets all the same', async () => {
    const machine = openMachine()
    const file = machine.write(CONFIG, { credsStore: 'gone', auths: { h: {} } })
    const { problems } = await forgetCredentials('h', machine)
    expect(problems).toHaveLength(3)
    expect(problems[0]).toMatch(/^h: error erasing credentials - err: exec: "docker-credential-gone"/)
    expect(read(file)).toEqual({ credsStore: 'gone', auths: {} })
  })

  test('one name that the helper could erase is enough', async () => {
    const machine = openMachine()
    machine.helper('safe', '[ "$(cat)" = h ] || { echo no such entry; exit 1; }')
    machine.write(CONFIG, { credsStore: 'safe' })
    expect(await forgetCredentials('h', machine)).toEqual({ problems: [] })
  })
})
