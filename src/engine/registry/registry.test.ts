import { gunzipSync, zstdDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Digest, silentJob } from '../../core/index.ts'
import {
  type Descriptor,
  hostPlatform,
  type Platform,
  parseIndex,
  parseManifest,
  writeAttestation,
} from '../../oci/index.ts'
import { hasDockerRegistry, type RunningRegistry, startDockerRegistry } from '../../registry/docker-registry.suite.ts'
import { addLayer, type TestStore, writeDocuments, writeIndexOf } from '../../store/fixture.suite.ts'
import { openTestEngine } from '../fixture.suite.ts'
import type { Engine } from '../index.ts'
import { repackImage } from './repack.ts'

const host = hostPlatform()
const other: Platform = { os: 'linux', architecture: host.architecture === 'arm64' ? 'amd64' : 'arm64' }

/** An index of two platforms with plain layers, and a statement about each. */
async function addIndex(store: TestStore, name: string): Promise<{ index: Descriptor; entries: Descriptor[] }> {
  const entries: Descriptor[] = []
  for (const platform of [host, other]) {
    const layer = await addLayer(store, { [platform.architecture]: platform.architecture.repeat(5000) })
    const { descriptor } = writeDocuments(store, [layer], { platform }).manifest
    entries.push({ ...descriptor, platform })
  }
  const statements = entries.map((entry) => {
    const subjects = [{ name: 'pkg:docker/app', digest: entry.digest }]
    const written = writeAttestation(entry, [{ predicateType: 'https://spdx.dev/Document', predicate: {}, subjects }])
    for (const { bytes, descriptor } of written.documents)
      store.blobs.writeWhole(bytes, store.testLease, descriptor.digest)
    return written.entry
  })
  const index = writeIndexOf(store, [...entries, ...statements])
  store.images.put(index, [name])
  return { index, entries }
}

const json = (store: TestStore, digest: Digest): unknown => JSON.parse(store.blobs.readWhole(digest).toString())
const readIndex = (store: TestStore, { digest }: Descriptor) => parseIndex(store.blobs.readWhole(digest))
const readManifest = (store: TestStore, { digest }: Descriptor) => parseManifest(store.blobs.readWhole(digest))

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = []
  for await (const item of items) result.push(item)
  return result
}

describe('an image that is made ready to travel', () => {
  const repack = (store: TestStore, root: Descriptor, algorithm: 'gzip' | 'zstd' = 'gzip', force = false) =>
    repackImage({ store, lease: store.testLease, compression: { algorithm, force } }, root, silentJob)

  test('has compressed layers, and statements that are about what it became', async () => {
    const { store } = openTestEngine()
    const { index } = await addIndex(store, 'docker.io/library/app:1')
    const { manifests } = readIndex(store, await repack(store, index))
    for (const at of [0, 1]) {
      const [image, statement] = [manifests[at]!, manifests[at + 2]!]
      const [layer] = readManifest(store, image).layers
      expect(layer!.mediaType).toMatch(/gzip$/)
      expect(gunzipSync(store.blobs.readWhole(layer!.digest)).includes('64')).toBe(true)
      expect(statement.annotations).toMatchObject({ 'vnd.docker.reference.digest': image.digest })
      const about = readManifest(store, statement)
      expect(json(store, about.layers[0]!.digest)).toMatchObject({
        subject: [{ digest: { sha256: image.digest.slice(7) } }],
      })
      expect(json(store, about.config.digest)).toMatchObject({ rootfs: { diff_ids: [about.layers[0]!.digest] } })
    }
  })

  test('is the same every time, and itself when nothing is to be done', async () => {
    const { store } = openTestEngine()
    const { index } = await addIndex(store, 'docker.io/library/app:1')
    const packed = await repack(store, index)
    expect(packed.digest).not.toBe(index.digest)
    expect(await repack(store, index)).toEqual(packed)
    expect(await repack(store, packed, 'zstd')).toEqual(packed)
  })

  test('is compressed anew when that is forced', async () => {
    const { store } = openTestEngine()
    const { index } = await addIndex(store, 'docker.io/library/app:1')
    const forced = await repack(store, await repack(store, index), 'zstd', true)
    const [layer] = readManifest(store, readIndex(store, forced).manifests[0]!).layers
    expect(layer!.mediaType).toMatch(/zstd$/)
    expect(zstdDecompressSync(store.blobs.readWhole(layer!.digest)).length).toBeGreaterThan(1000)
  })
})

describe.skipIf(!hasDockerRegistry)('images of several platforms in a registry (docker-registry is needed)', () => {
  let registry: RunningRegistry

  beforeAll(async () => {
    registry = await startDockerRegistry()
  })
  afterAll(() => registry?.[Symbol.asyncDispose]())

  const at = (name: string): string => `${registry.domain}/${name}`
  const push = (engine: Engine, image: string, platform?: Platform) =>
    all(engine.images.push({ image, ...(platform ? { platform } : {}) }))
  const pull = (engine: Engine, image: string, platform?: Platform) =>
    all(engine.images.pull({ image, ...(platform ? { platform } : {}) }))

  /** Pushes an index from a store of its own; its digest. */
  async function pushed(name: string): Promise<Digest> {
    const { engine, store } = openTestEngine()
    await addIndex(store, at(`${name}:1`))
    const digest = (await push(engine, at(`${name}:1`)))[0]!.digest
    expect(store.images.named(`${at(name)}@${digest}`)?.names).toEqual([])
    expect(engine.images.inspect(at(`${name}:1`))['RepoDigests']).toEqual([`${at(name)}@${digest}`])
    expect((await push(engine, at(`${name}:1`)))[0]!.digest).toBe(digest)
    return digest
  }

  test('one platform is pulled with its statement; the name stands for the index, byte for byte', async () => {
    const digest = await pushed('multi')
    const { engine, store } = openTestEngine()
    const [image] = await pull(engine, at('multi:1'))
    expect(image).toMatchObject({ digest, isNew: true, name: at('multi:1') })
    const { manifests } = readIndex(store, store.images.named(at('multi:1'))!.descriptor)
    expect(manifests.map((entry) => store.blobs.has(entry.digest))).toEqual([true, false, true, false])
    expect(engine.images.inspect(at('multi:1'))['RepoDigests']).toEqual([`${at('multi')}@${digest}`])
    expect((await pull(engine, at('multi:1')))[0]).toMatchObject({ isNew: false })
    // the other one comes to it
    await pull(engine, at('multi:1'), other)
    expect(manifests.map((entry) => store.blobs.has(entry.digest))).toEqual([true, true, true, true])
    expect((await push(engine, at('multi:1')))[0]).toMatchObject({ digest })
    engine.images.tag(at('multi:1'), at('copy:1'))
    expect((await push(engine, at('copy:1')))[0]).toMatchObject({ digest })
  })

  test('an index that is not all here is pushed where the rest is; elsewhere its manifest is', async () => {
    const digest = await pushed('half')
    const { engine, store } = openTestEngine()
    await pull(engine, at('half:1'))
    engine.images.tag(at('half:1'), at('half:2'))
    const [same] = await push(engine, at('half:2'))
    expect(same).toMatchObject({ digest, tag: '2' })
    expect(same).not.toHaveProperty('insteadOf')
    engine.images.tag(at('half:1'), at('elsewhere:1'))
    const [entry] = readIndex(store, store.images.named(at('half:1'))!.descriptor).manifests
    expect((await push(engine, at('elsewhere:1')))[0]).toMatchObject({ digest: entry!.digest, insteadOf: digest })
  })

  test('of a platform only the manifest is pushed; one that is not here is refused', async () => {
    await pushed('one')
    const { engine, store } = openTestEngine()
    await pull(engine, at('one:1'))
    engine.images.tag(at('one:1'), at('only:1'))
    const [entry] = readIndex(store, store.images.named(at('one:1'))!.descriptor).manifests
    expect((await push(engine, at('only:1'), host))[0]).toMatchObject({ digest: entry!.digest })
    await expect(push(engine, at('only:1'), other)).rejects.toThrow('does not provide the specified platform')
  })

  test('what is pulled by digest has no tag, and the digest that was asked for', async () => {
    const digest = await pushed('digest')
    const { engine } = openTestEngine()
    const name = `${at('digest')}@${digest}`
    expect(await pull(engine, name)).toMatchObject([{ name, digest, isNew: true }])
    expect(engine.images.list()).toMatchObject([{ tags: [], digests: [name] }])
    await expect(pull(engine, `${at('digest')}@sha256:${'0'.repeat(64)}`)).rejects.toMatchObject({
      code: 'IMAGE_NOT_FOUND',
    })
  })

  test('all tags of a repository that nobody knows are an error', async () => {
    const { engine } = openTestEngine()
    const nobody = at('nobody')
    const refusal = { code: 'IMAGE_NOT_FOUND', message: expect.stringContaining(`repository ${nobody} not found`) }
    await expect(all(engine.images.pull({ image: nobody, allTags: true }))).rejects.toMatchObject(refusal)
    await expect(engine.registries.tags({ repository: nobody })).rejects.toMatchObject(refusal)
  })
})
