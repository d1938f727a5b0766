import { expect, test } from 'vitest'
import { digestOf, silentJob } from '../core/index.ts'
import { temporaryStore } from './fixture.suite.ts'
import { openStore } from './index.ts'

const upload = {
  repository: 'r.example/app',
  digest: digestOf('a'),
  location: 'https://r.example/u/1',
  offset: 5,
  size: 9,
}

test('an upload is remembered for the next process, and by repository', () => {
  const store = temporaryStore()
  store.uploads.save(upload)
  using again = openStore(store.root)
  expect(again.uploads.find(upload.repository, upload.digest)).toEqual(upload)
  expect(again.uploads.find('r.example/other', upload.digest)).toBeUndefined()
  again.uploads.save({ ...upload, offset: 7, location: 'https://r.example/u/2' })
  expect(store.uploads.list()).toMatchObject([{ offset: 7, location: 'https://r.example/u/2' }])
  store.uploads.forget(upload.repository, upload.digest)
  expect(again.uploads.list()).toEqual([])
})

test('one that nobody goes on with is forgotten', () => {
  const store = temporaryStore()
  store.uploads.save(upload)
  store.uploads.forgetOlder(60_000)
  expect(store.uploads.list()).toHaveLength(1)
  store.uploads.forgetOlder(-1)
  expect(store.uploads.list()).toEqual([])
})

test('one process at a time is at an upload, which lists show and which is not removed meanwhile', async () => {
  const store = temporaryStore()
  store.uploads.save(upload)
  const { repository, digest } = upload
  const waited: string[] = []
  const claim = (name: string): Promise<AsyncDisposable> =>
    store.uploads.claim(repository, digest, () => waited.push(name), silentJob)
  const first = await claim('first')
  expect(store.uploads.list()).toMatchObject([{ isActive: true }])
  expect(store.uploads.remove(repository, digest)).toBe(false)
  const elsewhere = await store.uploads.claim('r.example/other', digest, () => waited.push('other'), silentJob)
  await elsewhere[Symbol.asyncDispose]()
  const second = claim('second')
  await first[Symbol.asyncDispose]()
  await (await second)[Symbol.asyncDispose]()
  expect(waited).toEqual(['second'])
  expect(store.uploads.list()).toMatchObject([{ isActive: false }])
  expect(store.uploads.remove(repository, digest)).toBe(true)
  expect(store.uploads.list()).toEqual([])
})
