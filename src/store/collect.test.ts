import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
import { Database } from './database.ts'
import { addImage, addLayer, type TestStore, temporaryStore } from './fixture.suite.ts'

const runtimes: string[] = []
afterEach(() => {
  for (const folder of runtimes.splice(0)) rmSync(folder, { recursive: true, force: true })
})

function openStore(): TestStore {
  const store = temporaryStore()
  runtimes.push(store.layout.runtime)
  return store
}

/** Ends the lease that holds everything a test has put in. */
function collectAll(store: TestStore) {
  store.testLease[Symbol.dispose]()
  return store.collect()
}

describe('content stays', () => {
  test('as long as an image leads to it, and goes with the last one', async () => {
    const store = openStore()
    const shared = await addLayer(store, { shared: 'both have it' })
    const [one, two] = [await addImage(store, [shared, { a: '1' }]), await addImage(store, [shared, { b: '2' }])]
    expect(collectAll(store)).toEqual({ digests: [], bytes: 0 })
    store.images.remove([one.descriptor.digest])
    const first = store.collect()
    expect(first.digests).toHaveLength(3)
    expect(first.digests).not.toContain(shared.diffId)
    store.images.remove([two.descriptor.digest])
    expect(store.collect().digests).toContain(shared.diffId)
    expect(readdirSync(path.join(store.root, 'blobs/sha256'))).toEqual([])
    expect(readdirSync(store.layout.indexes)).toEqual([])
  })

  test('as long as a container was made of it', async () => {
    const store = openStore()
    const image = await addImage(store, [{ a: '1' }])
    const id = store.containers.newId()
    store.containers.add({ id, name: 'c', imageDigest: image.descriptor.digest, record: {}, createdAt: 1 })
    store.images.remove([image.descriptor.digest])
    expect(collectAll(store).digests).toEqual([])
    store.containers.remove(id)
    expect(store.collect().digests).toHaveLength(3)
  })

  test('as long as a build step is remembered', async () => {
    const store = openStore()
    const { diffId } = await addLayer(store, { a: '1' })
    const key = digestOf('key')
    store.steps.save({ key, opKey: digestOf('operation'), document: {}, diffIds: [diffId], createdAt: 1 })
    expect(collectAll(store).digests).toEqual([])
    store.steps.forget(key)
    expect(store.collect().digests).toEqual([diffId])
  })
})

describe('what a process left that was killed', () => {
  test('between putting a blob in place and saying so', () => {
    const store = openStore()
    const orphan = store.layout.blob(digestOf('nobody knows of me'))
    writeFileSync(orphan, 'nobody knows of me')
    writeFileSync(path.join(store.root, 'blobs/sha512/not-even-a-digest'), 'x')
    expect(store.collect().bytes).toBeGreaterThanOrEqual(19)
    expect(existsSync(orphan)).toBe(false)
    expect(readdirSync(path.join(store.root, 'blobs/sha512'))).toEqual([])
  })

  test('files that were under way, snapshots, bundles; those of the living stay', () => {
    const store = openStore()
    const { layout, testLease } = store
    const dead = '0123456789abcdef'
    const foldersOf = (lease: string): string[] => [
      layout.ingest(lease),
      path.join(layout.snapshots, `build-${lease}-1`),
      path.join(layout.runtime, `build-${lease}`),
      path.join(layout.runtime, 'runtime', `build-${lease}-2`),
    ]
    for (const folder of [...foldersOf(dead), ...foldersOf(testLease.id)]) {
      mkdirSync(path.join(folder, 'deep'), { recursive: true })
      writeFileSync(path.join(folder, 'deep/file'), 'x')
    }
    store.collect()
    expect(foldersOf(dead).filter((folder) => existsSync(folder))).toEqual([])
    expect(foldersOf(testLease.id).filter((folder) => !existsSync(folder))).toEqual([])
  })

  test('folders of containers that were removed', async () => {
    const store = openStore()
    const image = await addImage(store, [{ a: '1' }])
    const id = store.containers.newId()
    store.containers.add({ id, name: 'c', imageDigest: image.descriptor.digest, record: {}, createdAt: 1 })
    const gone = 'f'.repeat(64)
    for (const each of [id, gone]) mkdirSync(path.join(store.layout.containers, each, 'x'), { recursive: true })
    store.collect()
    expect(readdirSync(store.layout.containers)).toEqual([id])
  })

  test('indexes and unpacked layers of layers that are gone', async () => {
    const store = openStore()
    const { diffId } = await addLayer(store, { a: '1' })
    const hex = diffId.slice(7)
    const other = 'e'.repeat(64)
    writeFileSync(path.join(store.layout.indexes, `${other}.erofs`), 'x')
    for (const name of [hex, other]) mkdirSync(path.join(store.layout.directories, name))
    store.collect()
    expect(readdirSync(store.layout.indexes)).toEqual([`${hex}.erofs`])
    expect(readdirSync(store.layout.directories)).toEqual([hex])
  })

  test('leases whose holders are dead keep nothing alive', async () => {
    const store = openStore()
    const { diffId } = await addLayer(store, { a: '1' })
    using db = new Database(store.layout.database)
    const holder = db.get<{ holder: string }>('SELECT holder FROM leases')!.holder
    // the same pid, started at another time: another process
    db.run('UPDATE leases SET holder = ?', holder.replace(/("startTime":"?)(\d+)/, '$11$2'))
    expect(store.collect().digests).toEqual([diffId])
    expect(db.all('SELECT * FROM leases')).toEqual([])
  })
})
