import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bytesOf } from '../core/index.ts'
import { type Descriptor, MEDIA, writeManifest } from '../oci/index.ts'
import { listed, makeSample, type SampleContent } from '../oci/repository.suite.ts'
import { hasDockerRegistry, type RunningRegistry, startDockerRegistry } from './docker-registry.suite.ts'
import type { RegistryRepository } from './index.ts'
import { referrersTag } from './referrers.ts'
import { bodyOf, openAt, reply, type Script, startScripted } from './scripted-server.suite.ts'

const sample = makeSample('referrers')
const subject = sample.manifest.descriptor
const tag = referrersTag(subject.digest)

/** A manifest about the subject. */
function about(text: string): { descriptor: Descriptor; bytes: Buffer } {
  const config = sample.contents.find(({ descriptor }) => descriptor.mediaType === MEDIA.ociEmpty)!.descriptor
  return writeManifest({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    artifactType: `text/${text}`,
    config,
    layers: [],
    subject,
  })
}

async function writeAll(
  target: RegistryRepository,
  contents: readonly Pick<SampleContent, 'descriptor' | 'bytes'>[],
): Promise<void> {
  for (const { descriptor, bytes } of contents) await target.write(descriptor, bytesOf(bytes))
}

const digests = async (target: RegistryRepository, type?: string): Promise<string[]> =>
  (await listed(target.referrers(subject, type))).map(({ digest }) => digest)

test('the tag is the digest with a dash, and not too long', () => {
  expect(referrersTag(`sha256:${'a'.repeat(64)}`)).toBe(`sha256-${'a'.repeat(64)}`)
  expect(referrersTag(`sha512:${'a'.repeat(128)}`)).toBe(`sha512-${'a'.repeat(64)}`)
})

describe.skipIf(!hasDockerRegistry)('referrers in docker-registry, which does not list them (needs it)', () => {
  let registry: RunningRegistry
  beforeAll(async () => {
    registry = await startDockerRegistry()
  })
  afterAll(() => registry[Symbol.asyncDispose]())

  test('are listed by a tag, also those that come at once', async () => {
    const target = openAt(registry.domain)
    await writeAll(target, sample.contents)
    const more = ['a', 'b', 'c', 'd'].map(about)
    await Promise.all(more.map(({ descriptor, bytes }) => target.write(descriptor, bytesOf(bytes))))
    await writeAll(target, more)
    const all = [sample.signature, ...more].map(({ descriptor }) => descriptor.digest)
    expect((await digests(target)).sort()).toEqual(all.sort())
    expect(await digests(target, 'text/b')).toEqual([more[1]!.descriptor.digest])
    expect(await listed(target.tags())).toEqual([])
    expect(await target.resolve(tag)).toMatchObject({ mediaType: MEDIA.ociIndex })
  })

  test('are listed no more when they are removed', async () => {
    const target = openAt(registry.domain)
    await writeAll(target, sample.contents)
    await target.remove(sample.signature.descriptor.digest)
    expect(await digests(target)).not.toContain(sample.signature.descriptor.digest)
    await expect(target.remove(sample.signature.descriptor.digest)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  test('a tag goes, and another one of the same manifest stays', async () => {
    const target = openAt(registry.domain)
    await writeAll(target, sample.contents)
    await target.tag('one', subject)
    await target.tag('two', subject)
    await target.untag('one')
    await expect(target.resolve('one')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    expect(await target.resolve('two')).toMatchObject({ digest: subject.digest })
  })

  test('removing a manifest takes its tags', async () => {
    const target = openAt(registry.domain)
    await writeAll(target, sample.contents)
    await target.tag('gone', sample.index.descriptor)
    await target.remove(sample.index.descriptor.digest)
    await expect(target.resolve('gone')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  test('a manifest that is named right away goes out once', async () => {
    const target = openAt(registry.domain)
    await writeAll(target, sample.contents)
    const named = about('named')
    await target.write(named.descriptor, bytesOf(named.bytes), { as: 'named' })
    await target.tag('named', named.descriptor)
    expect(await target.resolve('named')).toMatchObject({ digest: named.descriptor.digest })
    expect(await target.has(named.descriptor)).toBe(true)
    await expect.poll(() => registry.log().match(/"PUT \/v2\/app\/manifests\/named/g)).toHaveLength(1)
    expect(registry.log()).not.toContain(`PUT /v2/app/manifests/${named.descriptor.digest}`)
  })
})

describe.skipIf(!hasDockerRegistry)('a docker-registry that deletes nothing (needs it)', () => {
  test('says so, and leaves the tag where it was', async () => {
    await using registry = await startDockerRegistry((directory) => ({
      storage: { filesystem: { rootdirectory: directory }, delete: { enabled: false } },
    }))
    const target = openAt(registry.domain)
    await writeAll(target, sample.contents)
    await target.tag('kept', subject)
    await expect(target.untag('kept')).rejects.toMatchObject({
      code: 'REGISTRY_UNSUPPORTED',
      hint: expect.stringContaining('delete'),
    })
    await expect(target.remove(subject.digest)).rejects.toMatchObject({ code: 'REGISTRY_UNSUPPORTED' })
    expect(await target.resolve('kept')).toMatchObject({ digest: subject.digest })
  })
})

describe('referrers', () => {
  const index = (manifests: unknown[]): string =>
    JSON.stringify({ schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests })
  const entry = (text: string): Descriptor => ({ ...about(text).descriptor, artifactType: `text/${text}` })

  test('come page by page from a registry that lists them', async () => {
    await using server = await startScripted((request, response) => {
      const isSecond = request.url!.includes('page=2')
      const link = { link: `</v2/app/referrers/${subject.digest}?page=2>; rel="next"` }
      reply(
        response,
        200,
        { 'content-type': MEDIA.ociIndex, ...(isSecond ? {} : link) },
        index([entry(isSecond ? 'b' : 'a')]),
      )
    })
    expect(await listed(openAt(server.domain).referrers(subject))).toEqual([entry('a'), entry('b')])
    // not every registry sorts them out
    expect(await listed(openAt(server.domain).referrers(subject, 'text/b'))).toEqual([entry('b')])
    expect(server.requests.at(-2)).toBe(`GET /v2/app/referrers/${subject.digest}?artifactType=text%2Fb`)
  })

  test('are added again when somebody else changed the list meanwhile', async () => {
    let list: unknown[] = []
    let version = 0
    const script: Script = async (request, response) => {
      if (request.url!.endsWith(tag) && request.method === 'GET') {
        reply(response, 200, { 'content-type': MEDIA.ociIndex, etag: `"${version}"` }, index(list))
        if (version === 0) {
          list = [entry('other')]
          version++
        }
      } else if (request.url!.endsWith(tag)) {
        if (request.headers['if-match'] !== `"${version}"`) return reply(response, 412, {})
        list = (JSON.parse((await bodyOf(request)).toString()) as { manifests: unknown[] }).manifests
        reply(response, 201, {})
      } else reply(response, request.method === 'PUT' ? 201 : 404, {})
    }
    await using server = await startScripted(script)
    const mine = about('mine')
    await openAt(server.domain).write(mine.descriptor, bytesOf(mine.bytes))
    expect(list).toMatchObject([{ artifactType: 'text/other' }, { artifactType: 'text/mine' }])
  })

  test('are left to a registry that lists them', async () => {
    await using server = await startScripted((_, response) => reply(response, 201, { 'oci-subject': subject.digest }))
    const mine = about('mine')
    await openAt(server.domain).write(mine.descriptor, bytesOf(mine.bytes))
    expect(server.requests).toEqual([`PUT /v2/app/manifests/${mine.descriptor.digest}`])
  })

  test('a tag of theirs that is no index is left as it is', async () => {
    const manifest = about('x')
    await using server = await startScripted((request, response) =>
      request.method === 'PUT' && !request.url!.endsWith(tag)
        ? reply(response, 201, {})
        : reply(response, 200, { 'content-type': MEDIA.ociManifest }, manifest.bytes),
    )
    const mine = about('mine')
    const write = openAt(server.domain).write(mine.descriptor, bytesOf(mine.bytes))
    await expect(write).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
    expect(server.requests.filter((line) => line === `PUT /v2/app/manifests/${tag}`)).toEqual([])
  })
})
