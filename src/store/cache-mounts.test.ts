import { existsSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { hasCode, silentJob } from '../core/index.ts'
import type { CacheIdentity, CacheSharing, CacheUse } from './cache-mounts.ts'
import { temporaryStore } from './fixture.suite.ts'
import { openStore, type Store } from './index.ts'

const identity = (changes: Partial<CacheIdentity> = {}): CacheIdentity => ({
  namespace: '',
  id: 'c',
  origin: null,
  mode: null,
  uid: null,
  gid: null,
  ...changes,
})

const use = (store: Store, sharing: CacheSharing, job = silentJob): Promise<CacheUse> =>
  store.cacheMounts.use(identity(), sharing, async () => {}, job)

test('a cache is made once and found again', async () => {
  const store = temporaryStore()
  const fill = async (folder: string): Promise<void> => writeFileSync(path.join(folder, 'f'), 'first')
  const first = await store.cacheMounts.use(identity(), 'shared', fill, silentJob)
  first.release()
  const again = await store.cacheMounts.use(identity(), 'locked', async () => expect.fail(), silentJob)
  expect([again.folder, readdirSync(again.folder), again.record.uses]).toEqual([first.folder, ['f'], 2])
  expect(store.cacheMounts.usage(again.record.key)).toEqual({ bytes: 5, inodes: 1 })
  again.release()
  expect(store.cacheMounts.list()).toMatchObject([{ id: 'c', instance: 0, uses: 2 }])
})

test('a cache whose making fails is not there', async () => {
  const store = temporaryStore()
  const failing = store.cacheMounts.use(identity(), 'shared', () => Promise.reject(new Error('no')), silentJob)
  await expect(failing).rejects.toThrow('no')
  const later = await use(store, 'locked')
  expect(readdirSync(later.folder)).toEqual([])
  later.release()
})

test('shared goes together, locked waits, private makes another', async () => {
  const store = temporaryStore()
  using other = openStore(store.layout.root)
  const first = await use(store, 'shared')
  const second = await use(other, 'shared')
  const third = await use(other, 'private')
  expect([second.folder === first.folder, third.folder === first.folder, third.record.instance]).toEqual([
    true,
    false,
    0 + 1,
  ])
  let waited = true
  const locked = use(other, 'locked').then((taken) => {
    expect(waited).toBe(false)
    taken.release()
  })
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(store.cacheMounts.isInUse(first.record.key)).toBe(true)
  waited = false
  for (const each of [first, second, third]) each.release()
  await locked
  expect(store.cacheMounts.isInUse(first.record.key)).toBe(false)
})

test('waiting can be stopped', async () => {
  const store = temporaryStore()
  const held = await use(store, 'locked')
  const controller = new AbortController()
  const waiting = use(store, 'locked', { progress: () => {}, signal: controller.signal })
  controller.abort()
  expect(hasCode(await waiting.catch((error: unknown) => error), 'CANCELED')).toBe(true)
  held.release()
})

test('two who share a new cache get the same folder', async () => {
  const store = temporaryStore()
  using other = openStore(store.layout.root)
  const uses = await Promise.all([store, other, store, other].map((each) => use(each, 'shared')))
  for (const each of uses) writeFileSync(path.join(each.folder, String(uses.indexOf(each))), '')
  expect(readdirSync(uses[0]!.folder).sort()).toEqual(['0', '1', '2', '3'])
  for (const each of uses) each.release()
})

test('one in use is not removed, renewed or held; a free one is', async () => {
  const store = temporaryStore()
  const held = await use(store, 'shared')
  writeFileSync(path.join(held.folder, 'f'), 'text')
  const { cacheMounts } = store
  const { key } = held.record
  cacheMounts.renew(identity())
  expect([cacheMounts.remove(key), cacheMounts.hold(held.record), existsSync(path.join(held.folder, 'f'))]).toEqual([
    undefined,
    undefined,
    true,
  ])
  held.release()
  expect(cacheMounts.remove(key)).toBe(4)
  expect(existsSync(path.dirname(held.folder))).toBe(false)
  expect([cacheMounts.list(), existsSync(held.folder)]).toEqual([[], false])
})

test('a collection leaves caches alone', async () => {
  const store = temporaryStore()
  const held = await use(store, 'shared')
  writeFileSync(path.join(held.folder, 'f'), 'text')
  held.release()
  store.collect()
  expect(readdirSync(held.folder)).toEqual(['f'])
})
