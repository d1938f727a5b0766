import { createHmac, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { afterAll, describe, expect, test } from 'vitest'
import { SigningKeys } from './keys.ts'
import { type TokenSubject, Tokens } from './tokens.ts'

const root = mkdtempSync(path.join(tmpdir(), 'access-tokens-'))
afterAll(() => rmSync(root, { recursive: true }))

const NOW = 1_800_000_000
let now = NOW
const keys = new SigningKeys(path.join(root, 'keys'))
const tokens = new Tokens({ keys, service: 'here', lifetime: 300, now: () => now * 1000 })
const alice: TokenSubject = { subject: 'alice', via: 'password', mark: 'm' }
const access = [{ type: 'repository', name: 'team/app', actions: ['pull'] }]

const CLAIMS = {
  iss: 'slipway',
  sub: 'alice',
  aud: 'here',
  exp: NOW + 300,
  nbf: NOW,
  iat: NOW,
  jti: 'x',
  via: 'password',
  mark: 'm',
  access,
}
const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A token made by hand, as an attacker would; signed with our key unless told otherwise. */
function made(claims: object, header: object = {}, key: KeyObject = keys.current.privateKey): string {
  const text = `${part({ alg: 'ES256', typ: 'JWT', kid: keys.current.kid, ...header })}.${part(claims)}`
  return `${text}.${sign('sha256', Buffer.from(text), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
}

test('what was issued verifies, and says what the specification asks for', async () => {
  const token = await tokens.issue(alice, access)
  expect(decodeProtectedHeader(token)).toEqual({ alg: 'ES256', typ: 'JWT', kid: keys.current.kid })
  expect(decodeJwt(token)).toEqual({ ...CLAIMS, jti: expect.any(String) })
  expect(tokens.known(token)).toBeUndefined()
  expect(await tokens.verify(token)).toEqual({ ...alice, access, expires: NOW + 300 })
  expect(tokens.known(token)).toEqual({ ...alice, access, expires: NOW + 300 })
})

test('the token made by hand is right as such', async () => {
  expect(await tokens.verify(made(CLAIMS))).toMatchObject(alice)
})

describe('refused', () => {
  const foreign = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = foreign.publicKey.export({ format: 'jwk' })
  const without = (name: string): object => Object.fromEntries(Object.entries(CLAIMS).filter(([key]) => key !== name))
  const hs256 = (secret: string | Buffer): string => {
    const text = `${part({ alg: 'HS256', typ: 'JWT', kid: keys.current.kid })}.${part(CLAIMS)}`
    return `${text}.${createHmac('sha256', secret).update(text).digest('base64url')}`
  }
  const spki = keys.current.publicKey.export({ type: 'spki', format: 'pem' })
  const [header, , signature] = made(CLAIMS).split('.')

  test.each<[string, string]>([
    ['nothing', ''],
    ['no token', 'abc'],
    ['dots', '..'],
    ['a changed claim', `${header}.${part({ ...CLAIMS, sub: 'root' })}.${signature}`],
    ['a cut signature', made(CLAIMS).slice(0, -4)],
    ['no signature', `${header}.${part(CLAIMS)}.`],
    ['alg none', `${part({ alg: 'none', typ: 'JWT' })}.${part(CLAIMS)}.`],
    ['alg None with our kid', `${part({ alg: 'None', typ: 'JWT', kid: keys.current.kid })}.${part(CLAIMS)}.`],
    ['HS256 with the public key as its secret', hs256(spki)],
    ['HS256 with an empty secret', hs256(Buffer.alloc(1))],
    ['a foreign key under our kid', made(CLAIMS, {}, foreign.privateKey)],
    ['a foreign key it brings along', made(CLAIMS, { jwk }, foreign.privateKey)],
    ['a foreign key it brings along, without kid', made(CLAIMS, { jwk, kid: undefined }, foreign.privateKey)],
    ['a foreign key at a URL', made(CLAIMS, { jku: 'http://127.0.0.1/keys', kid: 'x' }, foreign.privateKey)],
    ['an unknown kid', made(CLAIMS, { kid: 'x' })],
    ['a kid that is a path', made(CLAIMS, { kid: '../../x' })],
    ['no kid', made(CLAIMS, { kid: undefined })],
    ['another type', made(CLAIMS, { typ: 'slipway-refresh+jwt' })],
    ['a critical extension', made(CLAIMS, { crit: ['b64'], b64: false })],
    ['expired', made({ ...CLAIMS, exp: NOW - 31 })],
    ['not yet', made({ ...CLAIMS, nbf: NOW + 31 })],
    ['issued in the future', made({ ...CLAIMS, iat: NOW + 100 })],
    ['issued long ago, for ever', made({ ...CLAIMS, iat: NOW - 400, exp: NOW + 1e9 })],
    ['exp as text', made({ ...CLAIMS, exp: 'never' })],
    ['of another issuer', made({ ...CLAIMS, iss: 'other' })],
    ['for another service', made({ ...CLAIMS, aud: 'there' })],
    ['via something else', made({ ...CLAIMS, via: 'magic' })],
    ['with access that is no list', made({ ...CLAIMS, access: { pull: true } })],
    ['with access of strange things', made({ ...CLAIMS, access: [null] })],
    ['with actions that are no list', made({ ...CLAIMS, access: [{ type: 'repository', name: 'a', actions: '*' }] })],
    ...['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti', 'via', 'access'].map((name): [string, string] => [
      `without ${name}`,
      made(without(name)),
    ]),
    ['very long', made({ ...CLAIMS, more: 'x'.repeat(20_000) })],
  ])('%s', async (_, token) => {
    expect(await tokens.verify(token)).toBeUndefined()
    expect(tokens.known(token)).toBeUndefined()
  })
})

test('clocks may differ by half a minute', async () => {
  expect(await tokens.verify(made({ ...CLAIMS, nbf: NOW + 29, iat: NOW + 29 }))).toBeDefined()
  expect(await tokens.verify(made({ ...CLAIMS, exp: NOW - 29 }))).toBeDefined()
})

test('what is remembered is forgotten when it expires', async () => {
  const token = await tokens.issue(alice, access)
  await tokens.verify(token)
  now = NOW + 299
  expect(tokens.known(token)).toBeDefined()
  now = NOW + 331
  expect(tokens.known(token)).toBeUndefined()
  expect(await tokens.verify(token)).toBeUndefined()
  now = NOW
})

test('refresh tokens and access tokens do not pass for each other', async () => {
  const refresh = await tokens.issueRefresh(alice)
  const token = await tokens.issue(alice, access)
  expect(await tokens.verifyRefresh(refresh)).toEqual(alice)
  expect(await tokens.verify(refresh)).toBeUndefined()
  expect(await tokens.verifyRefresh(token)).toBeUndefined()
  now = NOW + 90 * 24 * 3600 + 31
  expect(await tokens.verifyRefresh(refresh)).toBeUndefined()
  now = NOW
})

test('tokens of a replaced key are still good, those of another registry are not', async () => {
  const token = await tokens.issue(alice, access)
  const again = new Tokens({
    keys: new SigningKeys(path.join(root, 'keys')),
    service: 'here',
    lifetime: 300,
    now: () => now * 1000,
  })
  expect(await again.verify(token)).toMatchObject(alice)
  const others = new SigningKeys(path.join(root, 'others'))
  const other = new Tokens({ keys: others, service: 'here', lifetime: 300, now: () => now * 1000 })
  expect(await other.verify(token)).toBeUndefined()
})
