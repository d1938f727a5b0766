import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { bytesOf, type Digest, digestHex, digestOf, silentJob } from '../core/index.ts'
import { inChild } from '../host/child.suite.ts'
import {
  appendLayer,
  descriptorOf,
  editContainerConfig,
  emptyImage,
  hostPlatform,
  MEDIA,
  type Platform,
  writeImage,
} from '../oci/index.ts'
import {
  addImage,
  addLayer,
  type TestStore,
  tarOf,
  temporaryStore,
  writeDocuments,
  writeIndexOf,
} from './fixture.suite.ts'
import type { StoredImage } from './index.ts'

const HUB = 'docker.io/library'
const host = hostPlatform()
const other: Platform = { os: 'linux', architecture: host.architecture === 's390x' ? 'amd64' : 's390x' }

/** An index of an image for this machine and one for another; both are in the store unless `only` says which. */
async function addIndex(
  store: TestStore,
  { only, names = [] }: { only?: 'host' | 'other' | 'neither'; names?: string[] } = {},
): Promise<{ image: StoredImage; manifests: Record<'host' | 'other', Digest>; ids: Record<'host' | 'other', Digest> }> {
  const made = await Promise.all(
    [host, other].map(async (platform, at) =>
      writeDocuments(store, [await addLayer(store, { [`for-${at}`]: 'x' })], { platform }),
    ),
  )
  const [first, second] = made as [(typeof made)[0], (typeof made)[0]]
  const index = writeIndexOf(store, [
    { ...second.manifest.descriptor, platform: other },
    { ...first.manifest.descriptor, platform: host },
  ])
  const manifests = { host: first.manifest.descriptor.digest, other: second.manifest.descriptor.digest }
  const ids = { host: first.config.descriptor.digest, other: second.config.descriptor.digest }
  for (const which of ['host', 'other'] as const) {
    if (only !== undefined && only !== which) rmSync(store.blobs.path(manifests[which]))
  }
  return { image: store.images.put(index, names), manifests, ids }
}

describe('an image', () => {
  test('is known with everything that lists show', async () => {
    const store = temporaryStore()
    const before = Date.now()
    const config = { Labels: { a: '1', b: '' }, Cmd: ['sh'] }
    const image = await addImage(store, [{ one: '12345' }, { two: '678' }], {
      names: [`${HUB}/app:2`, `${HUB}/app:1`],
      config,
      created: '2024-05-06T07:08:09Z',
    })
    const { config: document, digest } = store.images.config(image)
    expect(image.id).toBe(digest)
    expect(image.names).toEqual([`${HUB}/app:1`, `${HUB}/app:2`])
    expect(image.digests).toEqual([])
    expect(image.taggedAt).toBeGreaterThanOrEqual(before)
    expect(image.summary).toEqual({
      manifest: image.descriptor.digest,
      created: '2024-05-06T07:08:09Z',
      platform: `linux/${host.architecture}${host.variant ? `/${host.variant}` : ''}`,
      diffIds: document.rootfs.diff_ids,
      contentBytes: 8,
      labels: { a: '1', b: '' },
    })
    expect(store.images.get(image.descriptor.digest)).toEqual(image)
    expect(store.images.list()).toEqual([image])
    expect(store.images.withId(image.id)).toEqual([image])
    expect(store.images.manifest(image).manifest.layers).toHaveLength(2)
  })

  test('without layers, labels, names or a time', () => {
    const store = temporaryStore()
    const written = writeImage(emptyImage(host))
    for (const { bytes } of [written.config, written.manifest]) store.blobs.writeWhole(bytes, store.testLease)
    const image = store.images.put(written.manifest.descriptor)
    expect(image.summary).toMatchObject({ diffIds: [], contentBytes: 0, labels: {} })
    expect(image.summary).not.toHaveProperty('created')
    expect(image).not.toHaveProperty('taggedAt')
  })

  test('put in again keeps its names and gets more', async () => {
    const store = temporaryStore()
    const image = await addImage(store, [{ a: 'x' }], { names: [`${HUB}/app:1`] })
    expect(store.images.put(image.descriptor, [`${HUB}/app:2`]).names).toEqual([`${HUB}/app:1`, `${HUB}/app:2`])
    expect(store.images.list()).toHaveLength(1)
  })

  test('whose layers travelled compressed', async () => {
    const store = temporaryStore()
    const tar = tarOf({ a: 'hello' })
    const packed = gzipSync(tar)
    await store.layers.import(bytesOf(packed), { lease: store.testLease }, silentJob)
    store.blobs.writeWhole(packed, store.testLease)
    const layer = { descriptor: descriptorOf(packed, MEDIA.ociLayerGzip), diffId: digestOf(tar), history: {} }
    const written = writeImage(appendLayer(emptyImage(host), layer))
    for (const { bytes } of [written.config, written.manifest]) store.blobs.writeWhole(bytes, store.testLease)
    const image = store.images.put(written.manifest.descriptor)
    expect(image.summary).toMatchObject({ diffIds: [digestOf(tar)], contentBytes: 5 })
    store.testLease[Symbol.dispose]()
    expect(store.collect().digests).toEqual([])
  })

  test('with the same config as another has the same id', async () => {
    const store = temporaryStore()
    const tar = tarOf({ a: 'hello' })
    const plain = await addImage(store, [{ a: 'hello' }])
    const { config } = store.images.config(plain)
    const packed = gzipSync(tar)
    await store.layers.import(bytesOf(packed), { lease: store.testLease }, silentJob)
    store.blobs.writeWhole(packed, store.testLease)
    const manifest = { ...store.images.manifest(plain).manifest, layers: [descriptorOf(packed, MEDIA.ociLayerGzip)] }
    const written = writeImage({ manifest, config })
    store.blobs.writeWhole(written.manifest.bytes, store.testLease)
    const second = store.images.put(written.manifest.descriptor)
    expect(second.id).toBe(plain.id)
    expect(second.descriptor.digest).not.toBe(plain.descriptor.digest)
    expect(store.images.withId(plain.id)).toHaveLength(2)
    expect(store.images.find(digestHex(plain.id).slice(0, 12))?.image.id).toBe(plain.id)
  })
})

describe('what is not whole', () => {
  test('a manifest, a config or a layer is missing', async () => {
    const store = temporaryStore()
    const layer = await addLayer(store, { a: 'x' })
    const { manifest, config } = writeDocuments(store, [layer])
    const { descriptor } = manifest
    for (const digest of [layer.diffId, config.descriptor.digest, descriptor.digest]) {
      rmSync(store.blobs.path(digest))
      expect(() => store.images.put(descriptor, [`${HUB}/app:1`])).toThrow(
        expect.objectContaining({ code: 'BLOB_NOT_FOUND', message: expect.stringContaining(digest) }),
      )
    }
    expect(store.images.list()).toEqual([])
    expect(store.images.named(`${HUB}/app:1`)).toBeUndefined()
  })

  test('a layer that is not what the config says, in Docker’s words', async () => {
    const store = temporaryStore()
    const [said, given] = [await addLayer(store, { a: 'said' }), await addLayer(store, { a: 'given' })]
    const image = appendLayer(emptyImage(host), {
      descriptor: { mediaType: MEDIA.ociLayer, digest: given.diffId, size: given.size },
      diffId: said.diffId,
      history: {},
    })
    const written = writeImage(image)
    for (const { bytes } of [written.config, written.manifest]) store.blobs.writeWhole(bytes, store.testLease)
    expect(() => store.images.put(written.manifest.descriptor)).toThrow(
      expect.objectContaining({
        code: 'CONFIG_INVALID',
        message: `invalid diffID for layer 0: expected "${said.diffId}", got "${given.diffId}"`,
      }),
    )
  })

  test('a config with fewer layers than the manifest', async () => {
    const store = temporaryStore()
    const layer = await addLayer(store, { a: 'x' })
    const { image } = writeDocuments(store, [layer])
    const written = writeImage({ ...image, config: { ...image.config, rootfs: { type: 'layers', diff_ids: [] } } })
    for (const { bytes } of [written.config, written.manifest]) store.blobs.writeWhole(bytes, store.testLease)
    expect(() => store.images.put(written.manifest.descriptor)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/CONFIG_INVALID|MANIFEST_INVALID/) }),
    )
    expect(store.images.list()).toEqual([])
  })
})

describe('names', () => {
  test('move to another image, which leaves the first without one', async () => {
    const store = temporaryStore()
    const old = await addImage(store, [{ a: 'old' }], { names: [`${HUB}/app:1`] })
    const young = await addImage(store, [{ a: 'young' }], { names: [`${HUB}/app:1`] })
    expect(store.images.named(`${HUB}/app:1`)?.id).toBe(young.id)
    expect(store.images.get(old.descriptor.digest)).toMatchObject({ names: [] })
    store.images.tag(`${HUB}/app:1`, old.descriptor.digest)
    expect(store.images.named(`${HUB}/app:1`)?.id).toBe(old.id)
  })

  test('remember when they were given last', async () => {
    const store = temporaryStore()
    const image = await addImage(store, [{ a: 'x' }], { names: [`${HUB}/app:1`] })
    await sleep(5)
    store.images.tag(`${HUB}/app:2`, image.descriptor.digest)
    expect(store.images.get(image.descriptor.digest)!.taggedAt).toBeGreaterThan(image.taggedAt!)
  })

  test('are taken away; the image stays', async () => {
    const store = temporaryStore()
    const image = await addImage(store, [{ a: 'x' }], { names: [`${HUB}/app:1`] })
    expect(store.images.untag(`${HUB}/app:1`)).toBe(true)
    expect(store.images.untag(`${HUB}/app:1`)).toBe(false)
    expect(store.images.get(image.descriptor.digest)).toBeDefined()
  })

  test('only point at images that are here', () => {
    const store = temporaryStore()
    expect(() => store.images.tag(`${HUB}/app:1`, digestOf(Buffer.from('nothing')))).toThrow(
      expect.objectContaining({ code: 'IMAGE_NOT_FOUND', message: expect.stringMatching(/^No such image: sha256:/) }),
    )
    expect(store.images.named(`${HUB}/app:1`)).toBeUndefined()
  })

  test('by digest are kept apart from tags', async () => {
    const store = temporaryStore()
    const image = await addImage(store, [{ a: 'x' }], { names: [`${HUB}/app:1`] })
    const byDigest = `${HUB}/app@${image.descriptor.digest}`
    store.images.tag(byDigest, image.descriptor.digest)
    expect(store.images.get(image.descriptor.digest)).toMatchObject({ names: [`${HUB}/app:1`], digests: [byDigest] })
  })

  test('go with their image', async () => {
    const store = temporaryStore()
    const image = await addImage(store, [{ a: 'x' }], { names: [`${HUB}/app:1`] })
    const kept = await addImage(store, [{ b: 'y' }], { names: [`${HUB}/kept:1`] })
    store.images.remove([image.descriptor.digest])
    expect(store.images.list().map(({ id }) => id)).toEqual([kept.id])
    expect(store.images.named(`${HUB}/app:1`)).toBeUndefined()
  })

  test('given by several processes at once all arrive', async () => {
    const store = temporaryStore()
    const { descriptor } = await addImage(store, [{ a: 'x' }])
    const tag = (args: { root: string; digest: Digest; who: string }) =>
      inChild(async ({ load }, { root, digest, who }) => {
        const { openStore } = await load<typeof import('./index.ts')>('store/index.ts')
        const own = openStore(root)
        for (let i = 0; i < 20; i++) own.images.tag(`docker.io/library/${who}:${i}`, digest)
        own[Symbol.dispose]()
        return true
      }, args)
    await Promise.all(['a', 'b', 'c'].map((who) => tag({ root: store.layout.root, digest: descriptor.digest, who })))
    expect(store.images.get(descriptor.digest)!.names).toHaveLength(60)
  })
})

describe('finding', () => {
  test.each([
    ['app', `${HUB}/app:latest`],
    ['app:latest', `${HUB}/app:latest`],
    ['library/app', `${HUB}/app:latest`],
    ['docker.io/app', `${HUB}/app:latest`],
    ['docker.io/library/app:latest', `${HUB}/app:latest`],
    ['app:2', `${HUB}/app:2`],
    ['app:3', undefined],
    ['ap', undefined],
    ['App', undefined],
    ['other/app', undefined],
    ['registry.example/app', 'registry.example/app:latest'],
    ['', undefined],
    ['!', undefined],
  ])('%j by name', async (text, expected) => {
    const store = temporaryStore()
    const names = [`${HUB}/app:latest`, `${HUB}/app:2`, 'registry.example/app:latest']
    await addImage(store, [{ a: 'x' }], { names })
    expect(store.images.find(text)?.name).toBe(expected)
  })

  test('by id, whole and in part, with and without its algorithm', async () => {
    const store = temporaryStore()
    const { id, descriptor } = await addImage(store, [{ a: 'x' }], { names: [`${HUB}/app:1`] })
    const hex = digestHex(id)
    for (const text of [id, hex, hex.slice(0, 12), hex.slice(0, 1), `sha256:${hex.slice(0, 7)}`, descriptor.digest]) {
      expect(store.images.find(text), text).toMatchObject({ image: { id } })
      expect(store.images.find(text), text).not.toHaveProperty('name')
    }
    expect(store.images.find(hex.slice(1, 12))).toBeUndefined()
    expect(store.images.find(hex.toUpperCase())).toBeUndefined()
    expect(store.images.find(`${hex}0`)).toBeUndefined()
    expect(store.images.find(digestOf(Buffer.from('nothing')))).toBeUndefined()
  })

  test('by the beginning of several ids is ambiguous', async () => {
    const store = temporaryStore()
    const ids = new Set<string>()
    for (let i = 0; ids.size < 17; i++)
      ids.add((await addImage(store, [], { created: `2024-01-01T00:00:${10 + i}Z` })).id)
    const first = [...ids].map((id) => digestHex(id as Digest)[0]!)
    const twice = first.find((digit, at) => first.indexOf(digit) !== at)!
    expect(() => store.images.find(twice)).toThrow(
      expect.objectContaining({ code: 'IMAGE_ID_AMBIGUOUS', message: expect.stringContaining(`image id ${twice}`) }),
    )
  })

  test('a name wins over an id', async () => {
    const store = temporaryStore()
    const first = await addImage(store, [{ a: 'x' }])
    const prefix = digestHex(first.id).slice(0, 6)
    const named = await addImage(store, [{ b: 'y' }], { names: [`${HUB}/${prefix}:latest`] })
    expect(store.images.find(prefix)?.image.id).toBe(named.id)
    expect(store.images.find(`sha256:${prefix}`)?.image.id).toBe(first.id)
  })

  test('by repository and digest', async () => {
    const store = temporaryStore()
    const { descriptor, id } = await addImage(store, [{ a: 'x' }])
    store.images.tag(`${HUB}/app@${descriptor.digest}`, descriptor.digest)
    expect(store.images.find(`app@${descriptor.digest}`)?.image.id).toBe(id)
    expect(store.images.find(`app:any@${descriptor.digest}`)?.image.id).toBe(id)
    expect(store.images.find(`other@${descriptor.digest}`)).toBeUndefined()
  })
})

describe('an index of several platforms', () => {
  test('has the id of this machine’s platform', async () => {
    const store = temporaryStore()
    const { image, ids, manifests } = await addIndex(store, { names: [`${HUB}/app:1`] })
    expect(image.id).toBe(ids.host)
    expect(image.summary.manifest).toBe(manifests.host)
    expect(store.images.config(image).digest).toBe(ids.host)
    expect(store.images.config(image, other).digest).toBe(ids.other)
    expect(store.images.manifest(image, host).descriptor.digest).toBe(manifests.host)
    expect(store.images.find('app:1')?.image.descriptor.mediaType).toBe(MEDIA.ociIndex)
    store.testLease[Symbol.dispose]()
    expect(store.collect().digests).toEqual([])
  })

  test('of which only another platform is here has the id of that', async () => {
    const store = temporaryStore()
    const { image, ids } = await addIndex(store, { only: 'other' })
    expect(image.id).toBe(ids.other)
    expect(image.summary.platform).toContain('s390x')
    expect(() => store.images.config(image, host)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/NOT_FOUND/) }),
    )
  })

  test('of which nothing is here is no image', async () => {
    await expect(addIndex(temporaryStore(), { only: 'neither' })).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
  })

  test('for a platform that it does not have', async () => {
    const store = temporaryStore()
    const { image } = await addIndex(store)
    const wanted = { os: 'plan9', architecture: 'mips' }
    expect(() => store.images.config(image, wanted)).toThrow(expect.objectContaining({ code: 'PLATFORM_NOT_FOUND' }))
  })

  test('an attestation is not taken for an image', async () => {
    const store = temporaryStore()
    const { manifest } = writeDocuments(store, [await addLayer(store, { a: 'x' })])
    const attestation = writeDocuments(store, [], { config: { User: 'nobody' } })
    const index = writeIndexOf(store, [
      { ...attestation.manifest.descriptor, platform: { os: 'unknown', architecture: 'unknown' } },
      { ...manifest.descriptor, platform: host },
    ])
    expect(store.images.put(index).summary.manifest).toBe(manifest.descriptor.digest)
  })
})

test('a config that was edited is another image', async () => {
  const store = temporaryStore()
  const image = await addImage(store, [{ a: 'x' }], { names: [`${HUB}/app:1`] })
  const { manifest } = store.images.manifest(image)
  const { config } = store.images.config(image)
  const written = writeImage(editContainerConfig({ manifest, config }, { Cmd: ['other'] }))
  for (const { bytes } of [written.config, written.manifest]) store.blobs.writeWhole(bytes, store.testLease)
  const edited = store.images.put(written.manifest.descriptor, [`${HUB}/app:2`])
  expect(edited.id).not.toBe(image.id)
  expect(edited.summary.diffIds).toEqual(image.summary.diffIds)
})
