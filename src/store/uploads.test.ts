import { expect, test } from 'vitest'
import { digestOf } from '../core/index.ts'
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
