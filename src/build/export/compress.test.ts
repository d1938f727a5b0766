import { gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { bytesOf, silentJob } from '../../core/index.ts'
import { addLayer, type TestStore, tarOf, temporaryStore } from '../../store/fixture.suite.ts'
import type { LayerRecord } from '../../store/index.ts'
import { compressLayer, type LayerCompression } from './compress.ts'

const TEXT = 'the same words again and again '.repeat(2000)

function compress(
  store: TestStore,
  layer: LayerRecord,
  options: Partial<LayerCompression>,
  mediaTypes: 'oci' | 'docker' = 'oci',
) {
  const all = { algorithm: 'gzip', force: false, ...options, mediaTypes, lease: store.testLease } as const
  return compressLayer(store, layer, all, silentJob)
}

test.each([
  ['gzip', 'oci', 'application/vnd.oci.image.layer.v1.tar+gzip', gunzipSync],
  ['zstd', 'oci', 'application/vnd.oci.image.layer.v1.tar+zstd', zstdDecompressSync],
  ['gzip', 'docker', 'application/vnd.docker.image.rootfs.diff.tar.gzip', gunzipSync],
  ['uncompressed', 'docker', 'application/vnd.docker.image.rootfs.diff.tar', (bytes: Buffer) => bytes],
  ['uncompressed', 'oci', 'application/vnd.oci.image.layer.v1.tar', (bytes: Buffer) => bytes],
] as const)('%s with the media types of %s', async (algorithm, mediaTypes, mediaType, unpack) => {
  const store = temporaryStore()
  const layer = await addLayer(store, { a: TEXT })
  const descriptor = await compress(store, layer, { algorithm }, mediaTypes)
  const bytes = store.blobs.readWhole(descriptor.digest)
  expect(descriptor).toEqual({ mediaType, digest: descriptor.digest, size: bytes.length })
  expect(unpack(bytes)).toEqual(store.blobs.readWhole(layer.diffId))
  expect(bytes.length < layer.size / 10).toBe(algorithm !== 'uncompressed')
})

test('happens once for each way', async () => {
  const store = temporaryStore()
  const layer = await addLayer(store, { a: TEXT })
  const { digest } = await compress(store, layer, {})
  const read = store.blobs.readPassing
  store.blobs.readPassing = () => {
    throw new Error('compressed again')
  }
  expect((await compress(store, layer, {})).digest).toBe(digest)
  await expect(compress(store, layer, { level: 1 })).rejects.toThrow('compressed again')
  store.blobs.readPassing = read
  const fast = await compress(store, layer, { level: 1 })
  expect(fast.digest).not.toBe(digest)
  expect((await compress(store, layer, {})).digest).toBe(digest)
})

test('what came compressed travels as it came, unless told otherwise', async () => {
  const store = temporaryStore()
  const foreign = gzipSync(tarOf({ a: TEXT }), { level: 2 })
  const copy = store.blobs.writeWhole(foreign, store.testLease)
  const { record } = await store.layers.import(bytesOf(foreign), { lease: store.testLease }, silentJob)
  expect((await compress(store, record, {})).digest).toBe(copy)
  expect((await compress(store, record, { algorithm: 'zstd' })).digest).not.toBe(copy)
  const own = await compress(store, record, { force: true })
  expect(own.digest).not.toBe(copy)
  expect(gunzipSync(store.blobs.readWhole(own.digest))).toEqual(store.blobs.readWhole(record.diffId))
})

test('what was compressed here at some level does not stand in for another', async () => {
  const [store, other] = [temporaryStore(), temporaryStore()]
  const layer = await addLayer(store, { a: TEXT })
  await compress(store, layer, { level: 1 })
  const here = await compress(store, layer, {})
  const there = await compress(other, await addLayer(other, { a: TEXT }), {})
  expect(here.digest).toBe(there.digest)
})
