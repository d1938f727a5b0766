import { execFileSync, spawnSync } from 'node:child_process'
import { generateKeyPairSync } from 'node:crypto'
import { statSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { findProgram } from '../../host/index.ts'
import { contextFolder } from '../fixture.suite.ts'
import { type AgentSource, openAgentSocket } from './ssh.ts'
import { readSshKey } from './ssh-key.ts'

const hasSsh = ['ssh-keygen', 'ssh-add', 'ssh-agent'].every((name) => findProgram(name) !== undefined)
const owner = { mode: 0o600, uid: process.getuid!(), gid: process.getgid!() }

/** Opens an agent's socket in a folder of the test. */
async function agent(source: AgentSource, name = 'agent') {
  const folder = contextFolder()
  const opened = await openAgentSocket(source, path.join(folder, name), owner)
  return { folder, opened, env: { ...process.env, SSH_AUTH_SOCK: opened.path } }
}

/** Runs a program beside this process, which must go on answering. */
function beside(
  program: string,
  args: string[],
  env: NodeJS.ProcessEnv,
): Promise<{ code: number | null; out: string }> {
  return import('node:child_process').then(
    ({ execFile }) =>
      new Promise((resolve) => {
        const child = execFile(program, args, { env }, (_, out, err) =>
          resolve({ code: child.exitCode, out: out + err }),
        )
      }),
  )
}

/** A key of OpenSSH's, and its public half as it is listed. */
function key(folder: string, type: string, bits: string, ...more: string[]): { file: string; shown: string } {
  const file = path.join(folder, `${type}-${bits}${more.length}`)
  execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-C', 'test', ...more, '-f', file])
  const shown = execFileSync('ssh-keygen', ['-y', '-f', file]).toString().trim().split(' ').slice(0, 2).join(' ')
  return { file, shown }
}

describe.skipIf(!hasSsh)('an agent of keys', () => {
  test.each([
    ['ed25519', '256'],
    ['ecdsa', '256'],
    ['ecdsa', '521'],
    ['rsa', '2048'],
    ['rsa', '2048', '-m', 'PEM'],
    ['ecdsa', '384', '-m', 'PKCS8'],
  ])('lists and signs with %s %s %s %s', async (type, bits, ...more) => {
    const folder = contextFolder()
    const { file, shown } = key(folder, type, bits, ...more)
    const { opened, env } = await agent({ keys: [file] })
    await using _opened = opened
    expect((await beside('ssh-add', ['-L'], env)).out).toContain(shown)
    writeFileSync(path.join(folder, 'k.pub'), `${shown}\n`)
    writeFileSync(path.join(folder, 'message'), 'hello')
    const signed = await beside(
      'ssh-keygen',
      ['-Y', 'sign', '-n', 'file', '-f', path.join(folder, 'k.pub'), path.join(folder, 'message')],
      env,
    )
    expect(signed).toMatchObject({ code: 0 })
    const check = spawnSync(
      'ssh-keygen',
      ['-Y', 'check-novalidate', '-n', 'file', '-s', path.join(folder, 'message.sig')],
      { input: 'hello' },
    )
    expect(check.stdout.toString()).toContain('Good "file" signature')
  })

  test('adds no keys and removes none', async () => {
    const folder = contextFolder()
    const { file } = key(folder, 'ed25519', '256')
    const { opened, env } = await agent({ keys: [file] })
    await using _opened = opened
    expect((await beside('ssh-add', ['-D'], env)).code).not.toBe(0)
    expect((await beside('ssh-add', [file], env)).code).not.toBe(0)
    expect((await beside('ssh-add', ['-l'], env)).out).toContain('ED25519')
  })

  test('takes no key with a passphrase', () => {
    const file = path.join(contextFolder(), 'locked')
    execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', 'passphrase', '-f', file])
    expect(() => readSshKey(file)).toThrow(/failed to parse .*: it has a passphrase/)
  })
})

describe.skipIf(!hasSsh)('an agent that runs', () => {
  test('is asked, but not changed', async () => {
    const folder = contextFolder()
    const { file, shown } = key(folder, 'ed25519', '256')
    const socket = path.join(folder, 'own')
    const pid = /SSH_AGENT_PID=(\d+)/.exec(execFileSync('ssh-agent', ['-s', '-a', socket]).toString())![1]!
    try {
      execFileSync('ssh-add', ['-q', file], { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: 'ignore' })
      const { opened, env } = await agent({ socket })
      await using _opened = opened
      expect((await beside('ssh-add', ['-L'], env)).out).toContain(shown)
      expect((await beside('ssh-add', ['-D'], env)).code).not.toBe(0)
      expect((await beside('ssh-add', ['-L'], env)).out).toContain(shown)
    } finally {
      process.kill(Number(pid))
    }
  })
})

test('the socket has the mode that was asked for, and goes with its owner', async () => {
  const { opened } = await agent({ keys: [] })
  expect(statSync(opened.path).mode & 0o7777).toBe(0o600)
  await opened[Symbol.asyncDispose]()
  expect(statSync(opened.path, { throwIfNoEntry: false })).toBe(undefined)
})

test.each([
  ['nothing', 'not a key', /ssh: no key found/],
  ['half of one', '-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n-----END', /it is damaged/],
  ['another thing', '-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END', /ssh: no key found/],
])('%s is no key', (_, text, message) => {
  const file = path.join(contextFolder({ k: text }), 'k')
  expect(() => readSshKey(file)).toThrow(message)
})

test('a message that is too long ends the connection', async () => {
  const { opened } = await agent({ keys: [] })
  await using _opened = opened
  const closed = new Promise((resolve) => {
    const client = connect(opened.path, () => client.write(Buffer.from([0x7f, 0xff, 0xff, 0xff])))
    client.once('close', resolve)
    client.on('error', () => {})
  })
  await closed
})

test('a PEM key of Node’s own is read', () => {
  const { privateKey } = generateKeyPairSync('ed25519')
  const file = path.join(contextFolder({ k: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string }), 'k')
  expect(readSshKey(file)).toMatchObject({ kind: 'ssh-ed25519' })
})
