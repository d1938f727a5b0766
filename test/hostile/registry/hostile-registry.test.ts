import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { digestOf, silentJob } from '../../../src/core/index.ts'
import { openRegistryRepository } from '../../../src/registry/index.ts'
import { BEHAVIOURS } from './behaviours.ts'
import { makeServedImage } from './image.ts'
import { type Outcome, type Pull, pull, settingsFor } from './pull.ts'
import { type Asked, openHostileRegistry } from './server.ts'

const BIG = 3 << 20
const PASSWORD = { kind: 'password', username: 'me', password: 'secret' } as const

const images = { big: makeServedImage(BIG), small: makeServedImage(50_000) }
const registry = await openHostileRegistry(images.big)
const smallRegistry = await openHostileRegistry(images.small)
const played = new Set<string>()
beforeEach(() => {
  registry.forget()
  smallRegistry.forget()
})
afterAll(async () => {
  await registry[Symbol.asyncDispose]()
  await smallRegistry[Symbol.asyncDispose]()
})

/** Pulls from a repository; whatever comes of it, the store must be sound, and hold the image only when that was ok. */
async function play(repository: string, more: Partial<Pull> = {}, from = registry): Promise<Outcome> {
  played.add(repository)
  const outcome = await pull({ host: from.host, repository, ...more })
  expect(outcome.damage).toEqual([])
  expect(outcome).toMatchObject({
    images: outcome.result === 'ok' ? 1 : 0,
    message: outcome.result === 'ok' ? '' : /./,
  })
  return outcome
}

const layerGets = (): Asked[] =>
  registry.asked.filter(({ method, url }) => method === 'GET' && url.endsWith(digestOf(images.big.layer)))
/** Bytes that answers to requests for the layer had; the last of several on one connection counts them once. */
const bytesOf = (all: readonly Asked[]): number => all.reduce((sum, each) => sum + each.sent(), 0)

describe('goes on', () => {
  test('r00: an honest registry; each thing is asked for once', async () => {
    expect((await play('r00-honest')).result).toBe('ok')
    expect(layerGets()).toHaveLength(1)
    expect((await play('r00-honest', {}, smallRegistry)).result).toBe('ok')
  })

  test('r03: a layer that is cut once goes on where it ended', async () => {
    expect((await play('r03-cut-once')).result).toBe('ok')
    expect(layerGets().map(({ range }) => range)).toEqual([undefined, `bytes=${images.big.layer.length >> 1}-`])
    expect((await play('r03-cut-once', {}, smallRegistry)).result).toBe('ok')
  })

  test('r04: three resets; each time only what is missing is asked for', async () => {
    const { result } = await play('r04-reset-thrice')
    expect(result).toBe('ok')
    const starts = layerGets().map(({ range }) => Number(/\d+/.exec(range ?? '0')))
    expect(starts).toHaveLength(4)
    expect(starts).toEqual(starts.toSorted((a, b) => a - b))
    expect(starts[1]).toBeGreaterThan(0)
    expect((await play('r04-reset-thrice', {}, smallRegistry)).result).toBe('ok')
  })

  test('r06: 503 twice', async () => {
    const { result, pauses } = await play('r06-unavailable-twice')
    expect([result, pauses.length]).toEqual(['ok', 2])
    expect(Math.max(...pauses)).toBeLessThanOrEqual(2000)
  })

  test('r07: 429 with a time to wait, which is waited', async () => {
    const { result, pauses } = await play('r07-busy-twice')
    expect([result, pauses.length]).toEqual(['ok', 2])
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(1000)
  })

  test('r13: a digest that is not the manifest’s is reported, and the own digest counts', async () => {
    const { result, warnings } = await play('r13-other-digest')
    expect([result, warnings.length]).toEqual(['ok', 1])
    expect(warnings[0]).toContain(`it is ${digestOf(JSON.stringify(images.big.manifest))}`)
  })

  test('r15: a redirect to another host, which gets no password', async () => {
    const repository = 'r15-redirect-elsewhere'
    expect((await play(repository, { credentials: PASSWORD })).result).toBe('ok')
    expect(registry.asked.some(({ at, authorization }) => at === 'registry' && authorization !== undefined)).toBe(true)
    const there = registry.asked.filter(({ at }) => at === 'peer')
    expect(there.map(({ kind, authorization }) => [kind, authorization])).toEqual([['blobs', undefined]])
  })

  test('r17: a token server on another host gets no password that we have not got for it', async () => {
    expect((await play('r17-token-elsewhere')).result).toBe('ok')
    const there = registry.asked.filter(({ at }) => at === 'peer')
    expect(there.length).toBeGreaterThan(0)
    for (const { url, authorization } of there) {
      expect(url).toMatch(/^\/token\?/)
      expect(authorization).toBeUndefined()
    }
  })

  test('r18: a password, when we have one', async () => {
    expect((await play('r18-password', { credentials: PASSWORD })).result).toBe('ok')
    expect((await play('r18-password')).result).toBe('REGISTRY_UNAUTHORIZED')
  })

  test('r19: bytes that come slowly', async () => {
    expect((await play('r19-slow', {}, smallRegistry)).result).toBe('ok')
  })

  test('r20: another range than was asked for; all is asked for again', async () => {
    expect((await play('r20-other-range')).result).toBe('ok')
    const last = layerGets().at(-1)
    expect(last?.range).toBeUndefined()
  })

  test('r20: more than was asked for; what is there already is left out', async () => {
    expect((await play('r20-wider-range')).result).toBe('ok')
    expect(layerGets()).toHaveLength(2)
  })

  test('r27: a key __proto__ is nothing special', async () => {
    expect((await play('r27-prototype')).result).toBe('ok')
    expect(({} as { isPolluted?: number }).isPolluted).toBeUndefined()
  })
})

describe('gives up', () => {
  test('r02: after five tries without a byte, and keeps what came', async () => {
    const { result, partial } = await play('r02-cut')
    expect(result).toBe('REGISTRY_UNAVAILABLE')
    expect(layerGets().length).toBeLessThanOrEqual(7)
    expect(partial).toBe(images.big.layer.length >> 1)
  })

  test('r05: after five tries', async () => {
    expect((await play('r05-reset')).result).toBe('REGISTRY_UNAVAILABLE')
    expect(layerGets().length).toBe(5)
  })

  test('r08: at once, when it should wait longer than a minute', async () => {
    const { result, pauses } = await play('r08-busy')
    expect([result, pauses]).toEqual(['REGISTRY_RATE_LIMITED', []])
    expect(layerGets().length).toBe(1)
  })

  test('r14: after five redirects', async () => {
    expect((await play('r14-redirect-loop')).result).toBe('REGISTRY_INVALID_ANSWER')
    expect(layerGets().length).toBe(6)
  })

  test('r24: a list of tags that goes in a circle', async () => {
    const options = { settings: settingsFor(registry.host) }
    played.add('r24-endless-tags')
    await using repository = openRegistryRepository({ domain: registry.host, path: 'r24-endless-tags' }, options)
    const tags: string[] = []
    const list = async (): Promise<void> => {
      for await (const tag of repository.tags(silentJob)) tags.push(tag)
    }
    await list().catch((error: { code: string }) => expect(error.code).toBe('REGISTRY_INVALID_ANSWER'))
    expect(new Set(tags)).toEqual(new Set(['x']))
    expect(registry.asked.length).toBeLessThan(10)
  })
})

describe('refuses, and keeps nothing', () => {
  test.each([
    // whoever unpacks may see it before whoever hashes
    ['r01-other-bytes', 'COMPRESSION_INVALID'],
    ['r09-size-too-small', 'CONTENT_MISMATCH'],
    ['r10-size-too-large', 'CONTENT_MISMATCH'],
    ['r21-web-page', 'REGISTRY_INVALID_ANSWER'],
    ['r22-other-type', 'MANIFEST_INVALID'],
    ['r25-false-encoding', 'REGISTRY_INVALID_ANSWER'],
    ['r26-path-as-digest', 'MANIFEST_INVALID'],
  ])('%s', async (repository, code) => {
    for (const from of [registry, smallRegistry]) {
      const { result, partial } = await play(repository, {}, from)
      expect([result, partial]).toEqual([code, 0])
      expect(from.asked.filter(({ url }) => url.includes('passwd'))).toEqual([])
    }
  })

  test('r13: when another digest was asked for', async () => {
    const ref = digestOf(JSON.stringify(images.big.manifest))
    expect((await play('r13-other-digest', { ref })).result).toBe('CONTENT_MISMATCH')
  })

  test('r11: a layer that does not end, after the size that was said', async () => {
    const { result, partial } = await play('r11-endless-layer')
    expect([result, partial]).toEqual(['CONTENT_MISMATCH', 0])
    expect(bytesOf(layerGets())).toBeLessThan(BIG + SOCKET_BUFFERS)
  })

  test('r12: a manifest that does not end, after 4 MiB', async () => {
    expect((await play('r12-endless-manifest')).result).toBe('REGISTRY_INVALID_ANSWER')
    const manifests = registry.asked.filter(({ kind, method }) => kind === 'manifests' && method === 'GET')
    expect(bytesOf(manifests)).toBeLessThan((4 << 20) + SOCKET_BUFFERS)
  })

  test('r16: a redirect to a file, at once', async () => {
    expect((await play('r16-redirect-to-file')).result).toBe('REGISTRY_INVALID_ANSWER')
    expect(layerGets().length).toBe(1)
  })

  test('r23: a layer from an address elsewhere, unless that is wanted', async () => {
    expect((await play('r23-foreign-layer')).result).toBe('BLOB_NOT_FOUND')
    expect(registry.asked.filter(({ at }) => at === 'peer')).toEqual([])
  })

  test('r23: who wants it asks there without a password', async () => {
    const more = { credentials: PASSWORD, options: { foreignLayers: true } }
    expect((await play('r23-foreign-layer', more)).result).toMatch(/^(ok|REGISTRY_UNAVAILABLE)$/)
    for (const { at, authorization } of registry.asked) if (at === 'peer') expect(authorization).toBeUndefined()
  })
})

/** What a server can write before it notices that nobody reads. */
const SOCKET_BUFFERS = 12 << 20

test('all behaviours were played', () => {
  expect([...played].toSorted()).toEqual(Object.keys(BEHAVIOURS))
})
