import { describe, expect, test } from 'vitest'
import { collectBytes, digestOf, type ProgressEvent } from '../core/index.ts'
import { MEDIA } from '../oci/index.ts'
import { settingsFor } from './docker-registry.suite.ts'
import { hasty, makeManifest, openAt, reply, type Script, startScripted } from './scripted-server.suite.ts'

const { bytes, descriptor } = makeManifest()
const other = makeManifest('y')
const whole = { 'content-type': descriptor.mediaType, 'docker-content-digest': descriptor.digest }

/** Answers HEAD without a body. */
const answer =
  (headers: Record<string, string>, body: Buffer | string = bytes): Script =>
  (request, response) => {
    if (request.method !== 'HEAD') reply(response, 200, headers, body)
    else reply(response, 200, { 'content-length': String(body.length), ...headers })
  }

async function ask<T>(
  script: Script,
  what: (domain: string) => Promise<T>,
): Promise<{ value: T | Error; requests: string[] }> {
  await using server = await startScripted(script)
  const value = await what(server.domain).catch((error: Error) => error)
  return { value, requests: [...server.requests] }
}

describe('what a tag stands for', () => {
  test('is asked for with HEAD', async () => {
    const { value, requests } = await ask(answer(whole), (domain) => openAt(domain).resolve('1'))
    expect(value).toEqual(descriptor)
    expect(requests).toEqual(['HEAD /v2/app/manifests/1'])
  })

  test('is found from the manifest when HEAD does not say it', async () => {
    const { value, requests } = await ask(answer({ 'content-type': descriptor.mediaType }), (domain) =>
      openAt(domain).resolve('1'),
    )
    expect(value).toEqual(descriptor)
    expect(requests).toEqual(['HEAD /v2/app/manifests/1', 'GET /v2/app/manifests/1'])
  })

  test.each([403, 405, 400])('is found from the manifest when HEAD fails with %i', async (status) => {
    const script: Script = (request, response) =>
      request.method === 'HEAD' ? reply(response, status, {}) : reply(response, 200, whole, bytes)
    expect((await ask(script, (domain) => openAt(domain).resolve('1'))).value).toEqual(descriptor)
  })

  test('is its own digest, whatever the registry says', async () => {
    const warnings: ProgressEvent[] = []
    const job = { progress: (event: ProgressEvent) => void warnings.push(event) }
    const script = answer({ ...whole, 'docker-content-digest': other.descriptor.digest })
    const { value } = await ask(script, (domain) => openAt(domain, { knows: () => false }).resolve('1', job))
    expect(value).toEqual(descriptor)
    expect(warnings).toEqual([expect.objectContaining({ code: 'REGISTRY_DIGEST' })])
  })

  test('is not asked for again when the caller knows it, or has just resolved it', async () => {
    const known = await ask(answer(whole), (domain) => openAt(domain, { knows: () => true }).resolve('1'))
    expect(known.requests).toEqual(['HEAD /v2/app/manifests/1'])
    const read = await ask(answer(whole), async (domain) => {
      const source = openAt(domain, { knows: () => false })
      return collectBytes(source.read(await source.resolve('1')), 1e6, () => new Error('endless'))
    })
    expect(read).toEqual({ value: bytes, requests: ['HEAD /v2/app/manifests/1', 'GET /v2/app/manifests/1'] })
  })

  test.each<[string, Script, string]>([
    [
      'absent',
      (_, response) =>
        reply(response, 404, {}, '{"errors":[{"code":"MANIFEST_UNKNOWN","message":"manifest unknown"}]}'),
      'IMAGE_NOT_FOUND',
    ],
    [
      'an endless manifest',
      answer({ 'content-type': MEDIA.ociManifest }, Buffer.alloc(5 << 20, 32)),
      'REGISTRY_INVALID_ANSWER',
    ],
    ['of another type than it says', answer({ 'content-type': MEDIA.ociIndex }), 'MANIFEST_INVALID'],
    ['of schema 1', answer({}, '{"schemaVersion":1,"fsLayers":[]}'), 'MANIFEST_UNSUPPORTED'],
    ['a web page', answer({ 'content-type': 'text/html' }, '<p>log in'), 'REGISTRY_INVALID_ANSWER'],
  ])('fails when it is %s', async (_name, script, code) => {
    expect((await ask(script, (domain) => openAt(domain).resolve('1'))).value).toMatchObject({ code })
  })

  test('has the words of Docker when it is absent', async () => {
    const { value } = await ask(
      (_, response) => reply(response, 404, {}),
      (domain) => openAt(domain).resolve('1'),
    )
    expect(value).toMatchObject({
      message: expect.stringMatching(
        /^manifest for 127.0.0.1:\d+\/app:1 not found: manifest unknown: manifest unknown$/,
      ),
    })
  })
})

describe('a digest', () => {
  test('is refused when the registry answers with another one', async () => {
    const lying = answer({ ...whole, 'docker-content-digest': other.descriptor.digest })
    const { value } = await ask(lying, (domain) => openAt(domain).resolve(descriptor.digest))
    expect(value).toMatchObject({ code: 'CONTENT_MISMATCH' })
  })

  test('of another algorithm is verified as such', async () => {
    const digest = digestOf(bytes, 'sha512')
    const { value } = await ask(answer({ 'content-type': descriptor.mediaType }, bytes), (domain) =>
      openAt(domain).resolve(digest),
    )
    expect(value).toEqual({ ...descriptor, digest })
  })

  test.each<[string, Buffer]>([
    ['other bytes', other.bytes],
    ['too many bytes', Buffer.concat([bytes, Buffer.from(' ')])],
  ])('is not read when its content is %s', async (_name, content) => {
    const read = (domain: string): Promise<Buffer> =>
      collectBytes(openAt(domain).read(descriptor), 1e6, () => new Error('endless'))
    expect((await ask(answer(whole, content), read)).value).toMatchObject({ code: 'CONTENT_MISMATCH' })
  })
})

describe('mirrors', () => {
  test('are asked first, and the registry when they do not have it', async () => {
    await using has = await startScripted(answer(whole))
    await using lacks = await startScripted((_, response) => reply(response, 404, {}))
    await using broken = await startScripted((_, response) => void response.destroy())
    const mirrors = [lacks, broken, has].map(({ domain }, i) => ({
      url: `http://${domain}/v2`,
      repository: `m${i}`,
      namespace: 'r.example',
    }))
    const settings = settingsFor({ mirrors })
    expect(await openAt('127.0.0.1:1', { settings, patience: hasty() }).resolve('1')).toEqual(descriptor)
    expect(has.requests).toEqual(['HEAD /v2/m2/manifests/1?ns=r.example'])
    expect(broken.requests.length).toBe(2)
  })

  test('that cannot resolve are only asked for digests', async () => {
    await using mirror = await startScripted(answer(whole))
    await using server = await startScripted(answer(whole))
    const can = { pull: true, resolve: false, push: false }
    const settings = settingsFor({ mirrors: [{ url: `http://${mirror.domain}/v2`, can }] })
    const source = openAt(server.domain, { settings })
    await source.resolve('1')
    expect(mirror.requests).toEqual([])
    await source.resolve(descriptor.digest)
    expect(mirror.requests).toHaveLength(1)
    expect(server.requests).toHaveLength(1)
  })

  test('the error is that of the registry, and says what the mirrors answered', async () => {
    await using mirror = await startScripted((_, response) => reply(response, 403, {}))
    await using server = await startScripted((_, response) => reply(response, 404, {}))
    const settings = settingsFor({ mirrors: [{ url: `http://${mirror.domain}/v2` }] })
    await expect(openAt(server.domain, { settings }).resolve('1')).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
      data: { mirrors: [expect.stringContaining('denied')] },
    })
  })
})

test('a tag that names the manifest already is not sent again', async () => {
  const held = new Map<string, string>([['1', descriptor.digest]])
  await using server = await startScripted((request, response) => {
    const ref = request.url!.split('/').at(-1)!
    const digest = held.get(ref) ?? (ref === descriptor.digest ? ref : undefined)
    if (request.method === 'PUT') {
      held.set(ref, descriptor.digest)
      reply(response, 201, {})
    } else if (digest === undefined) reply(response, 404, {})
    else {
      const length = { 'content-length': String(bytes.length), 'content-type': descriptor.mediaType }
      reply(response, 200, { ...length, 'docker-content-digest': digest }, request.method === 'HEAD' ? '' : bytes)
    }
  })
  const target = openAt(server.domain, { access: 'push' })
  await target.tag('1', descriptor)
  expect(server.requests).toEqual(['HEAD /v2/app/manifests/1'])
  await target.tag('2', descriptor)
  expect(server.requests.at(-1)).toBe('PUT /v2/app/manifests/2')
})
