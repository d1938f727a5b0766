/** Our own command line against Debian's docker-registry and against our registry, with and without users. */
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Answer, callMain } from '../../../src/cli/fixture.suite.ts'
import { findProgram } from '../../../src/host/index.ts'
import { startTokenServer } from '../../../src/registry/auth/token-server.suite.ts'
import { hasDockerRegistry, makeCertificate, startDockerRegistry } from '../../../src/registry/docker-registry.suite.ts'
import { MANNERS, startOurRegistry } from './our-registry.ts'

/** A registry to try, with the user `writer` and the password `pw-writer` where it has users. */
interface Place extends AsyncDisposable {
  readonly domain: string
  readonly users: boolean
  readonly certificate?: string
}

interface Candidate {
  readonly about: string
  readonly needs: readonly string[]
  start(): Promise<Place>
}

const candidates: Candidate[] = [
  ...MANNERS.map((manner) => ({
    about: `our registry, ${manner.about}`,
    needs: manner.tls ? ['openssl'] : [],
    start: async (): Promise<Place> => {
      const ours = await startOurRegistry(manner)
      const place = withUsers(ours, manner.users)
      return manner.tls ? { ...place, certificate: ours.certificate } : place
    },
  })),
  {
    about: 'docker-registry, for anybody',
    needs: [],
    start: async () => withUsers(await startDockerRegistry(), false),
  },
  { about: 'docker-registry, with htpasswd', needs: ['htpasswd'], start: startWithPasswords },
  { about: 'docker-registry, with a token server', needs: ['openssl'], start: startWithTokens },
]

function withUsers(place: { domain: string } & AsyncDisposable, users: boolean): Place {
  return { domain: place.domain, users, [Symbol.asyncDispose]: () => place[Symbol.asyncDispose]() }
}

async function startWithPasswords(): Promise<Place> {
  const registry = await startDockerRegistry((directory) => {
    const file = path.join(directory, 'htpasswd')
    execFileSync('htpasswd', ['-Bbc', file, 'writer', 'pw-writer'], { stdio: 'ignore' })
    return { auth: { htpasswd: { realm: 'test', path: file } } }
  })
  return withUsers(registry, true)
}

async function startWithTokens(): Promise<Place> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-tokens-'))
  const pair = makeCertificate(folder)
  const tokens = await startTokenServer({ ...pair, users: { writer: 'pw-writer' } })
  const realm = `http://${tokens.domain}/token`
  const registry = await startDockerRegistry({
    auth: { token: { realm, service: 'registry', issuer: 'test', rootcertbundle: pair.cert } },
  })
  return {
    domain: registry.domain,
    users: true,
    async [Symbol.asyncDispose]() {
      await registry[Symbol.asyncDispose]()
      await tokens[Symbol.asyncDispose]()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

const isHere = ({ about, needs }: Candidate): boolean =>
  needs.every((program) => findProgram(program)) && (hasDockerRegistry || !about.startsWith('docker-registry'))

describe.each(candidates.map((candidate) => ({ ...candidate, skipped: !isHere(candidate) })))('$about', (candidate) => {
  if (candidate.skipped) {
    test.skip('is not here: docker-registry, htpasswd or openssl is missing', () => {})
    return
  }
  let place: Place
  let folder: string
  const named = (name: string): string => `${place.domain}/${name}`
  const docker = (name: string): string => `docker://${named(name)}`

  /** A command of somebody with a folder and a store of their own. */
  async function slipwayOf(who: string, argv: readonly string[], stdin = ''): Promise<Answer> {
    const home = path.join(folder, who)
    return callMain(['--root', path.join(home, 'store'), ...argv], { env: { HOME: home }, stdin })
  }

  async function lines(...argv: string[]): Promise<string[]> {
    const { code, out, err } = await slipwayOf('me', argv)
    if (code !== 0) throw new Error(`slipway ${argv.join(' ')}: ${err}`)
    return out.split('\n').slice(0, -1)
  }

  /** Somebody who trusts the registry's certificate. */
  function welcome(who: string): void {
    const certificates = path.join(folder, who, '.config/docker/certs.d', place.domain)
    mkdirSync(certificates, { recursive: true })
    if (place.certificate) writeFileSync(path.join(certificates, 'ca.crt'), readFileSync(place.certificate))
  }

  beforeAll(async () => {
    folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-own-'))
    place = await candidate.start()
    for (const who of ['me', 'other']) welcome(who)
    writeFileSync(path.join(folder, 'Dockerfile'), 'FROM scratch\nCOPY Dockerfile /\n')
    if (place.users) {
      const argv = ['login', '-u', 'writer', '--password-stdin', place.domain]
      expect(await slipwayOf('me', argv, 'pw-writer')).toMatchObject({ code: 0, out: 'Login Succeeded\n' })
    }
    await lines('build', '-q', '-t', named('mine/app:1'), '--platform', 'linux/amd64,linux/arm64', folder)
    await lines('push', '-q', named('mine/app:1'))
  })
  afterAll(async () => {
    await place?.[Symbol.asyncDispose]()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  test('push and pull', async () => {
    await lines('tag', named('mine/app:1'), named('mine/pushed:1'))
    const pushed = await lines('push', named('mine/pushed:1'))
    const digest = /^1: digest: (sha256:[0-9a-f]{64}) size: \d+$/.exec(pushed.at(-1)!)?.[1]
    expect(digest).toBeDefined()
    await lines('rmi', named('mine/pushed:1'))
    const pulled = await lines('pull', named('mine/pushed:1'))
    expect(pulled).toContain(`Digest: ${digest}`)
    expect(await lines('pull', '-q', named(`mine/pushed@${digest}`))).toEqual([named(`mine/pushed@${digest}`)])
    expect((await slipwayOf('me', ['pull', named('mine/pushed:none')])).err).toMatch(/not found/)
  })

  test('build --push, and everything that has tags', async () => {
    await lines('build', '-q', '-t', named('mine/built:a'), '-t', named('mine/built:b'), '--push', folder)
    expect(await lines('tags', 'ls', named('mine/built'))).toEqual(['a', 'b'])
    await lines('pull', '-q', '-a', named('mine/built'))
    expect(await lines('images', '--format', '{{.Tag}}', named('mine/built'))).toEqual(
      expect.arrayContaining(['a', 'b']),
    )
  })

  test('copy, to a folder and back', async () => {
    const layout = `oci:${path.join(folder, 'layout')}:app`
    await lines('copy', '-q', '--all', docker('mine/app:1'), layout)
    await lines('copy', '-q', '--all', layout, docker('copied/app:1'))
    await lines('copy', '-q', '--all', docker('copied/app:1'), docker('copied/again:1'))
    const raw = (name: string): Promise<string[]> => lines('buildx', 'imagetools', 'inspect', '--raw', named(name))
    expect(await raw('copied/again:1')).toEqual(await raw('mine/app:1'))
  })

  test('imagetools', async () => {
    await lines('imagetools', 'create', '-t', named('mine/tools:1'), named('mine/app:1'))
    const shown = await lines('imagetools', 'inspect', named('mine/tools:1'))
    expect(shown.filter((line) => line.includes('Platform:  '))).toHaveLength(2)
  })

  test('manifest', async () => {
    for (const arch of ['amd64', 'arm64']) {
      await lines('copy', '-q', '--platform', `linux/${arch}`, docker('mine/app:1'), docker(`mine/list:${arch}`))
    }
    const [list, ...parts] = ['1', 'amd64', 'arm64'].map((tag) => named(`mine/list:${tag}`)) as [string, string, string]
    await lines('manifest', 'create', list, ...parts)
    const [digest] = await lines('manifest', 'push', '--purge', list)
    expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/)
    expect(JSON.parse((await lines('manifest', 'inspect', list)).join('\n')).manifests).toHaveLength(2)
  })

  test('tags rm and search', async () => {
    await lines('copy', '-q', '--all', docker('mine/app:1'), docker('mine/gone:1'))
    await lines('copy', '-q', '--all', docker('mine/app:1'), docker('mine/gone:2'))
    expect(await lines('tags', 'rm', named('mine/gone:1'))).toEqual([`Untagged: ${named('mine/gone:1')}`])
    expect(await lines('tags', 'ls', named('mine/gone'))).toEqual(['2'])
    expect(await lines('search', '--format', '{{.Name}}', named('mine/g'))).toEqual([named('mine/gone')])
  })

  test('says who may not', async () => {
    if (!place.users) return
    const wrong = await slipwayOf('other', ['login', '-u', 'writer', '--password-stdin', place.domain], 'wrong')
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('unauthorized: ') })
    const pull = await slipwayOf('other', ['pull', named('mine/app:1')])
    expect(pull).toMatchObject({ code: 1, err: expect.stringContaining('pull access denied') })
    await slipwayOf('other', ['build', '-q', '-t', named('other/app:1'), folder])
    const push = await slipwayOf('other', ['push', named('other/app:1')])
    expect(push).toMatchObject({ code: 1, err: expect.stringMatching(/denied|unauthorized/) })
    await slipwayOf('other', ['login', '-u', 'writer', '--password-stdin', place.domain], 'pw-writer')
    expect(await slipwayOf('other', ['push', '-q', named('other/app:1')])).toMatchObject({ code: 0 })
    const left = await slipwayOf('other', ['logout', place.domain])
    expect(left.out).toBe(`Removing login credentials for ${place.domain}\n`)
    expect(await slipwayOf('other', ['push', named('other/app:1')])).toMatchObject({ code: 1 })
  })
})
