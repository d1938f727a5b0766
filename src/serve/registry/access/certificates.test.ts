import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Certificates } from './certificates.ts'
import { type Answer, type Call, type GuardedRegistry, guardedRegistry } from './fixture.suite.ts'

const hasOpenssl = spawnSync('openssl', ['version']).status === 0
const folder = mkdtempSync(path.join(tmpdir(), 'access-certificates-'))
afterAll(() => rmSync(folder, { recursive: true }))
const file = (name: string): string => path.join(folder, name)
const text = (name: string): string => readFileSync(file(name), 'utf8')

function openssl(...args: string[]): void {
  const { status, stderr } = spawnSync('openssl', args, { cwd: folder })
  if (status !== 0) throw new Error(String(stderr))
}

/** A certificate of an authority in this folder, or one that signs itself. */
function certificate(name: string, subject: string, authority?: string): void {
  const fresh = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', `${name}.key`]
  if (authority === undefined) {
    openssl(
      'req',
      '-x509',
      ...fresh,
      '-subj',
      subject,
      '-days',
      '2',
      '-out',
      `${name}.pem`,
      '-addext',
      'subjectAltName=IP:127.0.0.1',
    )
    return
  }
  openssl('req', ...fresh, '-subj', subject, '-out', `${name}.csr`)
  openssl(
    'x509',
    '-req',
    '-in',
    `${name}.csr`,
    '-CA',
    `${authority}.pem`,
    '-CAkey',
    `${authority}.key`,
    '-set_serial',
    String(Date.now()),
    '-days',
    '2',
    '-out',
    `${name}.pem`,
  )
}

describe.skipIf(!hasOpenssl)('TLS (needs openssl)', () => {
  let registry: GuardedRegistry
  const tls = { cert: file('server.pem'), key: file('server.key'), client_ca: file('clients.pem') }

  beforeAll(async () => {
    certificate('server', '/CN=server')
    certificate('clients', '/CN=authority of clients')
    certificate('strangers', '/CN=authority of strangers')
    certificate('alice', '/O=team/CN=alice', 'clients')
    certificate('robot', '/CN=robot.ci', 'clients')
    certificate('twice', '/CN=alice/CN=root', 'clients')
    certificate('nameless', '/O=team', 'clients')
    certificate('stranger', '/CN=alice', 'strangers')
    registry = await guardedRegistry(
      ['bob'],
      { groups: { dev: ['alice'] }, rule: [{ repository: ['**'], who: ['group:dev'], actions: ['pull', 'push'] }] },
      { tls },
    )
  })
  afterAll(() => registry[Symbol.asyncDispose]())

  const call = (target: string, as?: Call['as'], client?: string, more: Call['tls'] = {}): Promise<Answer> => {
    const own = client === undefined ? {} : { cert: text(`${client}.pem`), key: text(`${client}.key`) }
    return registry.call('GET', target, { as, tls: { ca: text('server.pem'), ...own, ...more } })
  }

  test('a challenge leads to https', async () => {
    const answer = await call('/v2/')
    expect(answer.status).toBe(401)
    expect(answer.challenge).toContain(`realm="${registry.server.url}/token"`)
    expect(registry.server.url).toMatch(/^https:/)
  })

  test('TLS 1.1 is too old', async () => {
    const old = { maxVersion: 'TLSv1.1' as const, ciphers: 'DEFAULT@SECLEVEL=0' }
    await expect(call('/v2/', undefined, undefined, old)).rejects.toThrow(/version|protocol/i)
  })

  test('a certificate is a user, by its common name and with its groups', async () => {
    expect((await call('/v2/', undefined, 'alice')).status).toBe(200)
    expect((await call('/v2/team/app/manifests/x', undefined, 'alice')).status).toBe(404)
    const token = JSON.parse(
      (await call('/token?scope=repository:team/app:pull&offline_token=true', undefined, 'alice')).text,
    )
    expect(token.refresh_token).toBeUndefined()
    expect((await call('/v2/team/app/manifests/x', { token: token.token })).status).toBe(404)
  })

  test.each(['robot', 'twice', 'nameless', 'stranger'])('the certificate %s proves nothing', async (client) => {
    expect((await call('/v2/', undefined, client)).status).toBe(401)
    expect((await call('/token', undefined, client)).status).toBe(401)
  })

  test('who has none may have a password, and a password goes before', async () => {
    expect((await call('/v2/', 'bob:pw-bob')).status).toBe(200)
    expect((await call('/v2/team/app/manifests/x', 'bob:pw-bob', 'alice')).status).toBe(403)
    expect((await call('/v2/', 'bob:wrong', 'alice')).status).toBe(401)
  })

  test('a new certificate is used after SIGHUP, one that does not fit its key is not', async () => {
    const before = text('server.pem')
    certificate('other', '/CN=server')
    writeFileSync(tls.cert, text('other.pem'))
    const problems: string[] = []
    const stderr = process.stderr.write
    process.stderr.write = (line) => problems.push(String(line)) > 0
    process.emit('SIGHUP')
    process.stderr.write = stderr
    expect(problems.join()).toMatch(/server\.pem.*stays in use/s)
    expect((await call('/v2/', 'bob:pw-bob', undefined, { ca: before })).status).toBe(200)

    renameSync(file('other.key'), tls.key)
    process.emit('SIGHUP')
    expect((await call('/v2/', 'bob:pw-bob', undefined, { ca: text('other.pem') })).status).toBe(200)
    await expect(call('/v2/', 'bob:pw-bob', undefined, { ca: before })).rejects.toThrow(/certificate/)
  })
})

test.skipIf(!hasOpenssl)('files that cannot be used are refused with their names', () => {
  certificate('a', '/CN=a')
  certificate('b', '/CN=b')
  writeFileSync(file('empty'), '')
  const load = (cert: string, key: string, client_ca?: string): unknown =>
    new Certificates({ cert: file(cert), key: file(key), ...(client_ca ? { client_ca: file(client_ca) } : {}) })
  const invalid = (words: RegExp): object =>
    expect.objectContaining({ code: 'CERTIFICATE_INVALID', message: expect.stringMatching(words) })
  expect(() => load('a.pem', 'none')).toThrow(invalid(/cannot read .*none/))
  expect(() => load('a.pem', 'b.key')).toThrow(invalid(/a\.pem.*b\.key.*mismatch/))
  expect(() => load('empty', 'a.key')).toThrow(invalid(/empty/))
  expect(() => load('a.pem', 'a.key', 'empty')).toThrow(invalid(/empty/))
  expect(load('a.pem', 'a.key')).toBeInstanceOf(Certificates)
})
