import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, collectBytes } from '../../core/index.ts'
import { findProgram } from '../../host/index.ts'
import { listed, makeSample } from '../../oci/repository.suite.ts'
import {
  hasDockerRegistry,
  makeCertificate,
  type RunningRegistry,
  settingsFor,
  startDockerRegistry,
} from '../docker-registry.suite.ts'
import {
  type Credentials,
  listRepositories,
  openRegistryRepository,
  pingRegistry,
  type RegistryRepository,
} from '../index.ts'
import { hasty, openAt, reply, type Script, startScripted } from '../scripted-server.suite.ts'
import { startTokenServer, type TokenServer } from './token-server.suite.ts'

const me: Credentials = { kind: 'password', username: 'me', password: 'secret' }
const wrong: Credentials = { ...me, password: 'wrong' }

const open = (
  domain: string,
  name: string,
  credentials?: Credentials,
  access: 'pull' | 'push' = 'pull',
): RegistryRepository => {
  const settings = settingsFor(credentials ? { credentials } : {})
  return openRegistryRepository({ domain, path: name }, { settings, patience: hasty(), access })
}

async function push(target: RegistryRepository, salt = ''): Promise<void> {
  const sample = makeSample(salt)
  for (const { descriptor, bytes } of sample.contents) await target.write(descriptor, bytesOf(bytes))
  await target.tag('1', sample.index.descriptor)
}

describe.skipIf(!hasDockerRegistry || !findProgram('htpasswd'))(
  'Basic, asked by docker-registry (needs it, and htpasswd)',
  () => {
    let registry: RunningRegistry
    beforeAll(async () => {
      registry = await startDockerRegistry((directory) => {
        const file = path.join(directory, 'htpasswd')
        execFileSync('htpasswd', ['-Bbc', file, 'me', 'secret'], { stdio: 'ignore' })
        return { auth: { htpasswd: { realm: 'test', path: file } } }
      })
    })
    afterAll(() => registry[Symbol.asyncDispose]())

    test('lets in who has the password', async () => {
      await push(open(registry.domain, 'a', me, 'push'))
      expect(await listed(open(registry.domain, 'a', me).tags())).toEqual(['1'])
      expect(await pingRegistry(registry.domain, { settings: settingsFor(), credentials: me })).toEqual({})
    })

    test('says in the words of Docker who may not', async () => {
      await expect(open(registry.domain, 'a').resolve('1')).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
        message:
          'pull access denied, repository does not exist or may require authorization: authorization failed: no basic auth credentials',
        hint: expect.stringContaining('login'),
      })
      await expect(open(registry.domain, 'a', wrong).resolve('1')).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
        message: expect.stringContaining('unauthorized: authentication required'),
      })
      await expect(push(open(registry.domain, 'a', wrong, 'push'))).rejects.toMatchObject({
        message: expect.stringContaining('push access denied, repository does not exist or may require authorization'),
      })
      const ping = pingRegistry(registry.domain, { settings: settingsFor(), credentials: wrong })
      await expect(ping).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
        message: 'unauthorized: authentication required',
      })
    })
  },
)

describe.skipIf(!hasDockerRegistry || !findProgram('openssl'))(
  'tokens, asked by docker-registry (needs it, and openssl)',
  () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'slipway-token-'))
    let registry: RunningRegistry
    let tokens: TokenServer

    beforeAll(async () => {
      const pair = makeCertificate(directory)
      tokens = await startTokenServer({ ...pair, users: { me: 'secret' } })
      const bundle = path.join(directory, 'bundle.pem')
      writeFileSync(bundle, readFileSync(pair.cert))
      const token = {
        realm: `http://${tokens.domain}/token`,
        service: 'registry',
        issuer: 'test',
        rootcertbundle: bundle,
      }
      registry = await startDockerRegistry({ auth: { token } })
    })
    afterAll(async () => {
      await registry?.[Symbol.asyncDispose]()
      await tokens?.[Symbol.asyncDispose]()
      rmSync(directory, { recursive: true })
    })

    test('are asked for once, for pulling and pushing at once', async () => {
      const before = tokens.asked.length
      await push(open(registry.domain, 'public/once', me, 'push'))
      expect(tokens.asked.slice(before)).toEqual([['repository:public/once:pull,push']])
      await push(open(registry.domain, 'public/once', me, 'push'))
      expect(tokens.asked.slice(before)).toHaveLength(1)
    })

    test('let who has no name pull what is public', async () => {
      await push(open(registry.domain, 'public/app', me, 'push'), 'public')
      await push(open(registry.domain, 'private/app', me, 'push'), 'private')
      expect(await open(registry.domain, 'public/app').resolve('1')).toBeDefined()
      await expect(open(registry.domain, 'private/app').resolve('1')).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
      })
      await expect(push(open(registry.domain, 'public/app', undefined, 'push'), 'new')).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
      })
      expect(await open(registry.domain, 'private/app', me).resolve('1')).toBeDefined()
    })

    test('do not go round for ever when they give too little', async () => {
      const before = tokens.asked.length
      await expect(open(registry.domain, 'private/never').resolve('1')).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
      })
      expect(tokens.asked.length - before).toBeLessThanOrEqual(4)
    })

    test('for a mount name both repositories', async () => {
      const target = open(registry.domain, 'public/mounted', me, 'push')
      await push(open(registry.domain, 'private/source', me, 'push'), 'mount')
      const { layer } = makeSample('mount')
      const unread = async function* (): AsyncGenerator<Uint8Array> {
        yield* [] as Uint8Array[]
        throw new Error('was read')
      }
      await target.write(
        { ...layer.descriptor, size: layer.descriptor.size },
        { [Symbol.asyncIterator]: unread },
        { mountFrom: 'private/source' },
      )
      expect(await target.has(layer.descriptor)).toBe(true)
      expect(tokens.asked.at(-1)).toEqual(['repository:private/source:pull', 'repository:public/mounted:pull,push'])
    })

    test('of identity are given at login, and stand for the password then', async () => {
      const login = await pingRegistry(registry.domain, { settings: settingsFor(), credentials: me })
      expect(login).toEqual({ identityToken: 'identity' })
      const credentials: Credentials = { kind: 'identity-token', token: 'identity' }
      await push(open(registry.domain, 'private/by-identity', credentials, 'push'), 'identity')
      expect(tokens.requests.at(-1)).toBe('POST /token')
      const ping = pingRegistry(registry.domain, { settings: settingsFor(), credentials: wrong })
      await expect(ping).rejects.toMatchObject({
        code: 'REGISTRY_UNAUTHORIZED',
        message: expect.stringContaining('incorrect username or password'),
      })
    })

    test('open the catalog', async () => {
      await push(open(registry.domain, 'private/listed', me, 'push'), 'listed')
      const options = { settings: settingsFor({ credentials: me }), patience: hasty() }
      expect(await listed(listRepositories(registry.domain, options))).toContain('private/listed')
      expect(tokens.asked.at(-1)).toEqual(['registry:catalog:*'])
    })
  },
)

describe('challenges', () => {
  const unauthorized =
    (challenge: string): Script =>
    (_, response) =>
      reply(response, 401, { 'www-authenticate': challenge })

  test('without end are answered twice', async () => {
    await using server = await startScripted((request, response) =>
      request.url!.startsWith('/token')
        ? reply(response, 200, {}, '{"token":"t"}')
        : reply(response, 401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` }),
    )
    await expect(openAt(server.domain).resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
    expect(server.requests.filter((line) => !line.includes('token')).length).toBeLessThanOrEqual(4)
  })

  test('of an unknown kind are not answered', async () => {
    await using server = await startScripted(unauthorized('Negotiate'))
    await expect(openAt(server.domain).resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_UNAUTHORIZED' })
  })

  test.each(['file:///etc/passwd', 'nonsense://', 'http://['])('with the realm %s are refused', async (realm) => {
    await using server = await startScripted(unauthorized(`Bearer realm="${realm}"`))
    await expect(openAt(server.domain).resolve('1')).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
  })

  test('are answered with a registry token as it is', async () => {
    await using server = await startScripted((request, response) =>
      request.headers.authorization === 'Bearer mine'
        ? reply(response, 200, {}, 'content')
        : reply(response, 401, { 'www-authenticate': 'Bearer realm="http://unused"' }),
    )
    const settings = settingsFor({ credentials: { kind: 'registry-token', token: 'mine' } })
    const descriptor = {
      mediaType: 'text/plain',
      size: 7,
      digest: 'sha256:ed7002b439e9ac845f22357d822bac1444730fbdb6016d3ec9432297b9ec9f73',
    } as const
    const content = await collectBytes(
      openAt(server.domain, { settings }).read(descriptor),
      10,
      () => new Error('endless'),
    )
    expect(content.toString()).toBe('content')
  })

  test('a token that the registry has forgotten is asked for again', async () => {
    let valid = 1
    let given = 0
    await using server = await startScripted((request, response) => {
      if (request.url!.startsWith('/token')) reply(response, 200, {}, `{"token":"t${++given}"}`)
      else if (request.headers.authorization === `Bearer t${valid}`) reply(response, 200, {}, '{"tags":["a"]}')
      else reply(response, 401, { 'www-authenticate': `Bearer realm="http://${request.headers.host}/token"` })
    })
    const repository = openAt(server.domain)
    expect(await listed(repository.tags())).toEqual(['a'])
    valid = 2
    expect(await listed(repository.tags())).toEqual(['a'])
    expect(given).toBe(2)
  })
})
