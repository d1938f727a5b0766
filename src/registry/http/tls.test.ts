import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf, digestOf } from '../../core/index.ts'
import { findProgram } from '../../host/index.ts'
import { makeCertificate, settingsFor } from '../docker-registry.suite.ts'
import type { TlsSettings } from '../index.ts'
import { makeManifest, openAt, reply, type Script, startScripted } from '../scripted-server.suite.ts'

const { bytes, descriptor } = makeManifest()
const manifest: Script = (_, response) =>
  reply(response, 200, {
    'content-type': descriptor.mediaType,
    'content-length': String(bytes.length),
    'docker-content-digest': descriptor.digest,
  })

describe.skipIf(findProgram('openssl') === undefined)('TLS (needs openssl)', () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'slipway-tls-'))
  let own: { key: string; cert: string }
  let mine: { key: string; cert: string }

  beforeAll(() => {
    const read = (name: string): { key: string; cert: string } => {
      const { key, cert } = makeCertificate(directory, name)
      return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
    }
    own = read('server')
    mine = read('client')
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  const resolve = (domain: string, tls: Partial<TlsSettings>, allowsPlainHttp = false): Promise<unknown> => {
    const endpoint = { allowsPlainHttp, tls: { ca: [], verify: true, ...tls } }
    return openAt(domain, { settings: settingsFor({ endpoint }) }).resolve('latest')
  }

  test('trusts an authority that is configured, and no other', async () => {
    await using server = await startScripted(manifest, own)
    await expect(resolve(server.domain, {})).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
      message: expect.stringContaining(
        'tls: failed to verify certificate: x509: certificate signed by unknown authority',
      ),
      hint: expect.stringContaining('certs.d'),
    })
    expect(await resolve(server.domain, { ca: [own.cert] })).toMatchObject({ digest: descriptor.digest })
    expect(await resolve(server.domain, { verify: false })).toMatchObject({ digest: descriptor.digest })
  })

  test('shows a certificate of ours', async () => {
    const tls = { ...own, requestCert: true, rejectUnauthorized: true, ca: [mine.cert] }
    await using server = await startScripted(manifest, tls)
    const refused = { code: 'REGISTRY_UNAVAILABLE', message: expect.stringMatching(/^Head "https:/) }
    await expect(resolve(server.domain, { ca: [own.cert] })).rejects.toMatchObject(refused)
    // it speaks TLS: where plain HTTP is allowed, that is not tried
    await expect(resolve(server.domain, { verify: false }, true)).rejects.toMatchObject(refused)
    expect(await resolve(server.domain, { ca: [own.cert], client: mine })).toMatchObject({ digest: descriptor.digest })
  })

  test('says that a key cannot be read', async () => {
    const client = { key: 'nonsense', cert: mine.cert }
    await expect(resolve('127.0.0.1:1', { client })).rejects.toMatchObject({ code: 'REGISTRY_CONFIG_INVALID' })
  })

  test('plain HTTP is spoken only where it may be', async () => {
    await using server = await startScripted(manifest)
    await expect(resolve(server.domain, {})).rejects.toMatchObject({
      message: expect.stringContaining('http: server gave HTTP response to HTTPS client'),
      hint: expect.stringContaining('insecure-registries'),
    })
    expect(await resolve(server.domain, {}, true)).toMatchObject({ digest: descriptor.digest })
  })

  test('a redirect does not lead from TLS to plain HTTP', async () => {
    await using plain = await startScripted(manifest)
    await using server = await startScripted(
      (_, response) => reply(response, 307, { location: `http://${plain.domain}/` }),
      own,
    )
    await expect(resolve(server.domain, { ca: [own.cert] })).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
    expect(plain.requests).toEqual([])
  })

  test('a token server without TLS gets no password of a registry with TLS', async () => {
    await using plain = await startScripted((_, response) => reply(response, 200, {}, '{"token":"t"}'))
    const challenge = { 'www-authenticate': `Bearer realm="http://${plain.domain}/token",service="s"` }
    await using server = await startScripted((_, response) => reply(response, 401, challenge), own)
    const settings = settingsFor({
      credentials: { kind: 'password', username: 'u', password: 'p' },
      endpoint: { tls: { ca: [own.cert], verify: true } },
    })
    const resolving = openAt(server.domain, { settings }).resolve('latest')
    await expect(resolving).rejects.toMatchObject({ message: expect.stringContaining('without TLS') })
    expect(plain.requests).toEqual([])
  })

  test('a Location without TLS on the same host is taken for one with TLS', async () => {
    await using server = await startScripted((request, response) => {
      if (request.method === 'HEAD') reply(response, 404, {})
      else if (request.method === 'POST') reply(response, 202, { location: `http://${request.headers.host}/upload` })
      else reply(response, 201, {})
    }, own)
    const settings = settingsFor({ endpoint: { allowsPlainHttp: false, tls: { ca: [own.cert], verify: true } } })
    const text = Buffer.from('x'.repeat(100_000))
    await openAt(server.domain, { settings }).write(
      { ...descriptor, mediaType: 'text/plain', size: text.length, digest: digestOf(text) },
      bytesOf(text),
    )
    expect(server.requests.at(-1)).toMatch(/^PUT \/upload\?digest=/)
  })
})
