import { expect, test } from 'vitest'
import { collectBytes, silentJob, toByteString } from '../../core/index.ts'
import { createLayerWriter, readTar } from '../../layer/index.ts'
import { type TestStore, temporaryStore } from '../../store/fixture.suite.ts'
import type { LayerRecord } from '../../store/index.ts'
import { restampLayer } from './restamp.ts'

const at = (seconds: number) => ({ mode: 0o640, uid: 3, gid: 4, mtime: { seconds, nanoseconds: 0 } })

/** A layer with one of each kind of entry, of which some are from second 500 or earlier. */
function mixedLayer(store: TestStore): LayerRecord {
  const files = store.layers.temporary(store.testLease)
  const writer = createLayerWriter(files)
  writer.directory(toByteString('d'), at(900))
  writer.opaque(toByteString('d'))
  const xattrs = new Map([['security.capability', Buffer.from('cap')]])
  writer.file(toByteString('d/new'), { ...at(901), xattrs }, { bytes: Buffer.from('new content') })
  writer.hardlink(toByteString('d/other'), toByteString('d/new'))
  writer.symlink(toByteString('link'), at(902), toByteString('d/new'))
  writer.file(toByteString('old'), at(400), { bytes: Buffer.from('old') })
  writer.whiteout(toByteString('gone'))
  return store.layers.adopt(files, writer.finish(), store.testLease)
}

async function entriesOf(store: TestStore, { diffId }: LayerRecord) {
  const found: Record<string, unknown>[] = []
  for await (const { entry, body } of readTar(store.blobs.read(diffId))) {
    const { name, type, mode, uid, gid, link, xattrs, mtime } = entry
    const content = (await collectBytes(body, 1 << 16, () => new Error('too long'))).toString()
    found.push({ name, type, mode, uid, gid, link, xattrs, content, seconds: mtime.seconds })
  }
  return found
}

test('later times become the epoch, and nothing else changes', async () => {
  const store = temporaryStore()
  const layer = mixedLayer(store)
  const before = await entriesOf(store, layer)
  expect(before).toHaveLength(7)
  const restamped = await restampLayer(store, layer, { epoch: 500, lease: store.testLease }, silentJob)
  expect(restamped.diffId).not.toBe(layer.diffId)
  expect(restamped).toMatchObject({ entries: layer.entries, contentBytes: layer.contentBytes, size: layer.size })
  const clamped = before.map((entry) => ({ ...entry, seconds: Math.min(entry['seconds'] as number, 500) }))
  expect(await entriesOf(store, restamped)).toEqual(clamped)
})

test('a layer that is old enough stays what it is', async () => {
  const store = temporaryStore()
  const layer = mixedLayer(store)
  expect(await restampLayer(store, layer, { epoch: 902, lease: store.testLease }, silentJob)).toEqual(layer)
})

test('is done once for an epoch, and again when the result was collected', async () => {
  const store = temporaryStore()
  const layer = mixedLayer(store)
  const restamp = () => restampLayer(store, layer, { epoch: 500, lease: store.testLease }, silentJob)
  const { diffId } = await restamp()
  store.blobs.read = () => {
    throw new Error('read again')
  }
  expect((await restamp()).diffId).toBe(diffId)
  store.steps.clear()
  await expect(restamp()).rejects.toThrow('read again')
})
