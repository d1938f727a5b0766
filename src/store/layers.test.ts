import { existsSync, readdirSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { bytesOf, type Digest, digestOf, silentJob, toByteString } from '../core/index.ts'
import { listTree } from '../layer/fixture.suite.ts'
import { chainId } from '../oci/index.ts'
import { addLayer, addLayers, tarOf, temporaryStore } from './fixture.suite.ts'
import { openStore } from './index.ts'

describe('a layer', () => {
  test('is a blob, an index and a record', async () => {
    const store = temporaryStore()
    const tar = tarOf({ 'a/': '', 'a/b': 'hello', c: 'x' })
    const record = await addLayer(store, tar)
    expect(record).toEqual({ diffId: digestOf(tar), size: tar.length, contentBytes: 6, entries: 3, needsParent: false })
    expect(store.layers.get(record.diffId)).toEqual(record)
    expect(store.layers.tarPath(record.diffId)).toBe(store.blobs.path(record.diffId))
    expect(store.blobs.readWhole(record.diffId)).toEqual(tar)
    expect(existsSync(store.layout.index(record.diffId))).toBe(true)
    expect(readdirSync(store.testLease.folder)).toEqual([])
  })

  test('that comes compressed is known by both digests', async () => {
    const store = temporaryStore()
    const tar = tarOf({ a: 'hello' })
    const packed = gzipSync(tar)
    const options = { lease: store.testLease }
    const { record, compressed } = await store.layers.import(bytesOf(packed), options, silentJob)
    expect(compressed).toEqual({ digest: digestOf(packed), size: packed.length })
    expect(record.diffId).toBe(digestOf(tar))
    expect(store.layers.diffIdOf(compressed.digest)).toBe(record.diffId)
    expect(store.layers.diffIdOf(record.diffId)).toBeUndefined()
    rmSync(store.blobs.path(record.diffId))
    expect(store.layers.diffIdOf(compressed.digest)).toBeUndefined()
  })

  test('is not there without its blob, whatever the database says', async () => {
    const store = temporaryStore()
    const { diffId } = await addLayer(store, { a: 'x' })
    rmSync(store.blobs.path(diffId))
    expect(store.layers.get(diffId)).toBeUndefined()
    await expect(store.layers.tree([diffId])).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
  })

  test('that is damaged on its way leaves nothing', async () => {
    const store = temporaryStore()
    const packed = gzipSync(tarOf({ a: 'hello' }))
    const options = { lease: store.testLease }
    const cut = store.layers.import(bytesOf(packed.subarray(0, packed.length - 12)), options, silentJob)
    await expect(cut).rejects.toMatchObject({ code: 'COMPRESSION_INVALID' })
    expect(readdirSync(store.testLease.folder)).toEqual([])
    expect(readdirSync(path.join(store.layout.root, 'blobs/sha256'))).toEqual([])
    expect(readdirSync(path.join(store.layout.root, 'index'))).toEqual([])
  })

  test('is imported by several at once', async () => {
    const store = temporaryStore()
    const other = openStore(store.layout.root)
    try {
      using lease = other.lease()
      const tar = tarOf({ a: 'same' })
      const all = [store, other, store, other].map((each) =>
        each.layers.import(bytesOf(tar), { lease: each === other ? lease : store.testLease }, silentJob),
      )
      const diffIds = (await Promise.all(all)).map(({ record }) => record.diffId)
      expect(new Set(diffIds)).toEqual(new Set([digestOf(tar)]))
      expect(await listTree(await other.layers.tree([diffIds[0]!]))).toEqual({ a: 'file same' })
    } finally {
      other[Symbol.dispose]()
    }
  })
})

describe('the index of a layer', () => {
  const contents = { 'dir/file': 'file hello', dir: 'directory' }

  test.each([
    ['is lost', (index: string) => rmSync(index)],
    ['is empty', (index: string) => truncateSync(index)],
    ['is cut', (index: string) => truncateSync(index, 1200)],
    ['is something else', (index: string) => writeFileSync(index, Buffer.alloc(8192, 'x'))],
  ])('that %s is made again', async (_what, damage) => {
    const store = temporaryStore()
    const { diffId } = await addLayer(store, { 'dir/': '', 'dir/file': 'hello' })
    for (let time = 0; time < 2; time++) {
      damage(store.layout.index(diffId))
      expect(await listTree(await store.layers.tree([diffId]))).toEqual(contents)
      damage(store.layout.index(diffId))
      const [mountable] = await store.layers.mountables([diffId])
      expect(mountable!.layer.entries).toBe(2)
    }
    expect(readdirSync(path.join(store.layout.root, 'index'))).toHaveLength(1)
  })

  test('is made again once for all that want it', async () => {
    const store = temporaryStore()
    const { diffId } = await addLayer(store, { a: 'x' })
    rmSync(store.layout.index(diffId))
    const trees = await Promise.all(Array.from({ length: 20 }, () => store.layers.tree([diffId])))
    for (const tree of trees) expect(tree.list(toByteString('')).map((entry) => entry.path)).toEqual(['a'])
    expect(readdirSync(path.join(store.layout.root, 'index'))).toHaveLength(1)
  })

  test('of a hard link into a lower layer depends on that layer', async () => {
    const store = temporaryStore()
    const [one, two] = await addLayers(store, { target: 'first' }, { target: 'second' })
    const link = await addLayer(store, { link: { hardlink: 'target' } })
    expect(link.needsParent).toBe(true)
    expect(await listTree(await store.layers.tree([one!, link.diffId]))).toMatchObject({ link: 'file first' })
    expect(await listTree(await store.layers.tree([two!, link.diffId]))).toMatchObject({ link: 'file second' })
    expect(await store.layers.indexes([one!, link.diffId])).toEqual([
      store.layout.index(one!),
      store.layout.index(chainId([one!, link.diffId])!),
    ])
    const names = (await store.layers.mountables([one!, link.diffId])).map((mountable) => mountable.name)
    const others = (await store.layers.mountables([two!, link.diffId])).map((mountable) => mountable.name)
    expect(names[1]).not.toBe(others[1])
  })

  test('that depends on lower layers is made again, too', async () => {
    const store = temporaryStore()
    const [below] = await addLayers(store, { target: 'first' })
    const { diffId } = await addLayer(store, { link: { hardlink: 'target' } })
    const stack = [below!, diffId]
    await store.layers.tree(stack)
    for (const index of readdirSync(path.join(store.layout.root, 'index'))) {
      truncateSync(path.join(store.layout.root, 'index', index), 100)
    }
    expect(await listTree(await store.layers.tree(stack))).toEqual({ target: 'file first', link: 'file first' })
  })
})

describe('a stack', () => {
  test('shows the upper of two, and hides what is deleted', async () => {
    const store = temporaryStore()
    const stack = await addLayers(
      store,
      { a: 'old', 'gone/': '', 'gone/x': '1', 'kept/': '', 'kept/y': '2' },
      { a: 'new', '.wh.gone': '', 'kept/.wh..wh..opq': '', 'kept/z': '3' },
    )
    expect(await listTree(await store.layers.tree(stack))).toEqual({
      a: 'file new',
      kept: 'directory',
      'kept/z': 'file 3',
    })
  })

  test('of nothing is empty', async () => {
    const store = temporaryStore()
    expect((await store.layers.tree([])).stat(toByteString(''))).toBeUndefined()
    expect(await store.layers.mountables([])).toEqual([])
    expect(await store.layers.indexes([])).toEqual([])
  })

  test('an empty layer needs no mount; one that occurs twice needs one', async () => {
    const store = temporaryStore()
    const [a, b] = await addLayers(store, { x: 'a' }, { x: 'b' })
    const empty = (await addLayer(store, tarOf({}))).diffId
    const names = async (stack: Digest[]): Promise<string[]> =>
      (await store.layers.mountables(stack)).map(({ name }) => name)
    const [nameA, nameB] = await names([a!, b!])
    expect(await names([a!, empty, b!, empty])).toEqual([nameA, nameB])
    expect(await names([a!, b!, a!])).toEqual([nameB, nameA])
    expect(await names([a!, a!, a!])).toEqual([nameA])
    expect(await names([empty])).toEqual([])
  })

  test('what an opaque root hides is not mounted', async () => {
    const store = temporaryStore()
    const [a, b, c] = await addLayers(store, { x: 'a' }, { '.wh..wh..opq': '', y: 'b' }, { z: 'c' })
    const names = (await store.layers.mountables([a!, b!, c!])).map(({ name }) => name)
    const above = (await store.layers.mountables([b!, c!])).map(({ name }) => name)
    expect(names).toEqual(above)
    expect(Object.keys(await listTree(await store.layers.tree([a!, b!, c!])))).toEqual(['y', 'z'])
  })

  test('of more than 400 layers is mounted as one index, made once', async () => {
    const store = temporaryStore()
    const stack: Digest[] = []
    for (let i = 0; i < 401; i++) {
      stack.push((await addLayer(store, { [`own-${i}`]: String(i), shared: `from ${i}` })).diffId)
    }
    expect(await store.layers.mountables(stack.slice(0, 400))).toHaveLength(400)
    const [merged, ...rest] = await store.layers.mountables(stack)
    expect(rest).toEqual([])
    expect(merged!.layer.devices).toHaveLength(401)
    expect(existsSync(merged!.layer.path)).toBe(true)
    const again = await Promise.all([store.layers.mountables(stack), store.layers.mountables(stack)])
    expect(again.map(([each]) => each!.name)).toEqual([merged!.name, merged!.name])
    rmSync(merged!.layer.path)
    expect((await store.layers.mountables(stack))[0]!.layer.entries).toBe(402)
    expect(readdirSync(path.join(store.layout.root, 'index')).filter((name) => name.endsWith('.tmp'))).toEqual([])
  })

  test('a layer that is not there', async () => {
    const store = temporaryStore()
    const [a] = await addLayers(store, { x: 'a' })
    const missing = digestOf(Buffer.from('nothing'))
    for (const work of ['tree', 'indexes', 'mountables'] as const) {
      await expect(store.layers[work]([a!, missing])).rejects.toMatchObject({
        code: 'BLOB_NOT_FOUND',
        message: `layer ${missing} is not in the store`,
      })
    }
  })
})
