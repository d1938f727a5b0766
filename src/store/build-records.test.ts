import { existsSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type TestStore, temporaryStore } from './fixture.suite.ts'

const NOW = Date.now()

/** Records that ended, the first the oldest. */
function add(store: TestStore, count: number, logBytes = 0): string[] {
  return Array.from({ length: count }, (_, at) => {
    const id = store.buildRecords.add({ at }, NOW - (count - at) * 1000, store.testLease)
    store.buildRecords.finish(id, { at, done: true }, { finishedAt: NOW, logBytes })
    return id
  })
}

const idsOf = (store: TestStore): string[] => store.buildRecords.list().map((row) => row.id)

test('a record from its start to its end', () => {
  const store = temporaryStore()
  const id = store.buildRecords.add({ name: 'x' }, NOW, store.testLease)
  expect(id).toMatch(/^[0-9a-z]{16}$/)
  expect(existsSync(store.buildRecords.folder(id))).toBe(true)
  expect(store.buildRecords.list()).toEqual([{ id, startedAt: NOW, running: true, logBytes: 0, record: { name: 'x' } }])
  store.buildRecords.finish(id, { name: 'y' }, { finishedAt: NOW + 5, logBytes: 7 })
  expect(store.buildRecords.find(id.slice(0, 5))).toEqual([
    { id, startedAt: NOW, finishedAt: NOW + 5, running: false, logBytes: 7, record: { name: 'y' } },
  ])
  expect(store.buildRecords.find('~')).toEqual([])
})

test('what was built tells which builds are compared: the latest ten that got to their steps', () => {
  const { buildRecords, testLease } = temporaryStore()
  expect(buildRecords.latestDefined()).toBeUndefined()
  const ids = Array.from({ length: 13 }, (_, at) => {
    const id = buildRecords.add({ at }, NOW + at, testLease)
    const definition = at === 12 ? {} : { definition: at === 3 ? 'other' : 'this' }
    buildRecords.finish(id, { at }, { finishedAt: NOW, logBytes: 0, ...definition })
    return id
  })
  expect(buildRecords.ofDefinition('this').map(({ id }) => id)).toEqual(
    ids.filter((_, at) => at !== 12 && at !== 3 && at !== 0).reverse(),
  )
  expect(buildRecords.ofDefinition('other')).toMatchObject([{ record: { at: 3 } }])
  expect(buildRecords.latestDefined()).toMatchObject({ record: { at: 11 } })
  expect(buildRecords.at(1)).toMatchObject({ record: { at: 11 } })
  expect(buildRecords.at(13)).toBeUndefined()
})

test('a build whose process is gone does not run', () => {
  const store = temporaryStore()
  const lease = store.lease()
  store.buildRecords.add({}, NOW, lease)
  lease[Symbol.dispose]()
  expect(store.buildRecords.list()).toMatchObject([{ running: false }])
  expect(store.buildRecords.list()[0]).not.toHaveProperty('finishedAt')
})

test('removing takes the log along', () => {
  const store = temporaryStore()
  const [id = ''] = add(store, 1)
  writeFileSync(path.join(store.buildRecords.folder(id), 'log'), 'x')
  expect(store.buildRecords.remove(id)).toBe(true)
  expect(existsSync(store.buildRecords.folder(id))).toBe(false)
  expect(store.buildRecords.remove(id)).toBe(false)
  expect(store.buildRecords.remove('../blobs')).toBe(false)
  expect(existsSync(path.join(store.root, 'blobs'))).toBe(true)
})

test('what is beyond the limits goes, oldest first', () => {
  const store = temporaryStore()
  const ids = add(store, 4, 100)
  store.buildRecords.sweep({ builds: 3 })
  expect(idsOf(store)).toEqual(ids.slice(1).reverse())
  store.buildRecords.sweep({ logBytes: 200 })
  expect(idsOf(store)).toEqual(ids.slice(2).reverse())
  store.buildRecords.sweep({ age: 1500 })
  expect(idsOf(store)).toEqual(ids.slice(3))
  store.buildRecords.sweep({ builds: 0, logBytes: 0, age: 0 })
  expect(idsOf(store)).toEqual(ids.slice(3))
})

test('a build that runs stays, and a folder of nobody goes', () => {
  const store = temporaryStore()
  const id = store.buildRecords.add({}, NOW - 10_000, store.testLease)
  add(store, 1)
  const stray = path.join(store.layout.builds, 'stray')
  mkdirSync(stray)
  store.buildRecords.sweep({ builds: 1 })
  expect(idsOf(store)).toContain(id)
  expect(existsSync(stray)).toBe(false)
})
