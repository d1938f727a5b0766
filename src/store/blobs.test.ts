import { lstatSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Bytes, bytesOf, collectBytes, type Digest, digestHex, digestOf, silentJob } from '../core/index.ts'
import { inChild } from '../host/child.suite.ts'
import { type TestStore, temporaryStore } from './fixture.suite.ts'

const hello = Buffer.from('hello')
const all = (bytes: Bytes): Promise<Buffer> => collectBytes(bytes, 1 << 26, () => new Error('too long'))
const blobFiles = (store: TestStore): string[] => readdirSync(path.join(store.layout.root, 'blobs/sha256'))

async function* broken(): Bytes {
  yield hello
  throw new Error('the source broke')
}

describe('a blob', () => {
  test('is a file of an OCI layout, for its owner only', () => {
    const store = temporaryStore()
    const digest = store.blobs.writeWhole(hello, store.testLease)
    expect(digest).toBe(digestOf(hello))
    const file = path.join(store.layout.root, 'blobs/sha256', digestHex(digest))
    expect(store.blobs.path(digest)).toBe(file)
    expect(readFileSync(file, 'utf8')).toBe('hello')
    expect(statSync(file).mode & 0o077).toBe(0)
    expect(store.blobs.has(digest)).toBe(true)
    expect(store.blobs.size(digest)).toBe(5)
    expect(readdirSync(store.testLease.folder)).toEqual([])
  })

  test('that is there is not written again', () => {
    const store = temporaryStore()
    const digest = store.blobs.writeWhole(hello, store.testLease)
    const before = lstatSync(store.blobs.path(digest)).ino
    expect(store.blobs.writeWhole(hello, store.testLease)).toBe(digest)
    expect(lstatSync(store.blobs.path(digest)).ino).toBe(before)
  })

  test('of nothing', async () => {
    const store = temporaryStore()
    const digest = store.blobs.writeWhole(Buffer.alloc(0), store.testLease)
    expect(store.blobs.size(digest)).toBe(0)
    expect(store.blobs.readWhole(digest)).toEqual(Buffer.alloc(0))
    expect(await all(store.blobs.read(digest))).toEqual(Buffer.alloc(0))
  })

  test('is read in passing, through the same memory all the time', async () => {
    const store = temporaryStore()
    const bytes = Buffer.alloc(1_000_001, 'a passing chunk ')
    const digest = store.blobs.writeWhole(bytes, store.testLease)
    const memory = new Set<ArrayBufferLike>()
    const copies: Buffer[] = []
    for await (const chunk of store.blobs.readPassing(digest)) {
      memory.add(chunk.buffer)
      copies.push(Buffer.from(chunk))
    }
    expect(Buffer.concat(copies).equals(bytes)).toBe(true)
    expect([copies.length > 2, memory.size]).toEqual([true, 1])
    await expect(all(store.blobs.readPassing(digestOf('missing')))).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
  })

  test('is read whole and in ranges', async () => {
    const store = temporaryStore()
    const bytes = Buffer.from(Array.from({ length: 3 << 20 }, (_, i) => i % 251))
    const digest = store.blobs.writeWhole(bytes, store.testLease)
    const read = (start: number, end?: number): Promise<Buffer> =>
      all(store.blobs.read(digest, end === undefined ? { start } : { start, end }))
    expect((await all(store.blobs.read(digest))).equals(bytes)).toBe(true)
    expect((await read(1000, 1_500_000)).equals(bytes.subarray(1000, 1_500_000))).toBe(true)
    expect((await read(bytes.length - 3)).equals(bytes.subarray(-3))).toBe(true)
    expect(await read(bytes.length)).toEqual(Buffer.alloc(0))
    expect(await read(7, 7)).toEqual(Buffer.alloc(0))
    expect((await read(bytes.length - 1, bytes.length + 100)).length).toBe(1)
  })

  test('a reader that stops early leaves no file open', async () => {
    const store = temporaryStore()
    const digest = store.blobs.writeWhole(Buffer.alloc(5 << 20), store.testLease)
    const open = (): string[] =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readFileSync(`/proc/self/fdinfo/${fd}`) && lstatSync(`/proc/self/fd/${fd}`) && target(fd)
        } catch {
          return false
        }
      })
    const target = (fd: string): boolean =>
      statSync(`/proc/self/fd/${fd}`).ino === statSync(store.blobs.path(digest)).ino
    for await (const chunk of store.blobs.read(digest)) {
      expect(chunk.length).toBeGreaterThan(0)
      expect(open()).toHaveLength(1)
      break
    }
    expect(open()).toEqual([])
  })

  test('a canceled job reads no further', async () => {
    const store = temporaryStore()
    const digest = store.blobs.writeWhole(Buffer.alloc(5 << 20), store.testLease)
    const stop = new AbortController()
    let read = 0
    const reading = (async () => {
      for await (const chunk of store.blobs.read(digest, undefined, { ...silentJob, signal: stop.signal })) {
        read += chunk.length
        stop.abort()
      }
    })()
    await expect(reading).rejects.toMatchObject({ code: 'CANCELED' })
    expect(read).toBe(1 << 20)
  })

  test('that is missing', async () => {
    const store = temporaryStore()
    const digest = digestOf(hello)
    const missing = { code: 'BLOB_NOT_FOUND', message: `content ${digest} is not in the store` }
    expect(store.blobs.has(digest)).toBe(false)
    expect(store.blobs.size(digest)).toBeUndefined()
    expect(() => store.blobs.readWhole(digest)).toThrow(expect.objectContaining(missing))
    await expect(all(store.blobs.read(digest))).rejects.toMatchObject(missing)
  })
})

describe('a temporary file', () => {
  test('becomes a blob when it is adopted', async () => {
    const store = temporaryStore()
    const written = await store.blobs.writeTemporary(bytesOf(hello, hello), store.testLease, silentJob)
    expect(written).toMatchObject({ digest: digestOf(Buffer.concat([hello, hello])), size: 10 })
    expect(path.dirname(written.path)).toBe(store.testLease.folder)
    expect(store.blobs.has(written.digest)).toBe(false)
    store.blobs.adopt(written.path, written.digest, written.size, store.testLease)
    expect(store.blobs.readWhole(written.digest).toString()).toBe('hellohello')
    expect(readdirSync(store.testLease.folder)).toEqual([])
  })

  test('goes when its source breaks or the job is canceled', async () => {
    const store = temporaryStore()
    const canceled = { ...silentJob, signal: AbortSignal.abort() }
    const { blobs, testLease } = store
    await expect(blobs.writeTemporary(broken(), testLease, silentJob)).rejects.toThrow('the source broke')
    await expect(blobs.writeTemporary(bytesOf(hello), testLease, canceled)).rejects.toMatchObject({ code: 'CANCELED' })
    expect(readdirSync(testLease.folder)).toEqual([])
    expect(blobFiles(store)).toEqual([])
  })

  test('two names are never the same', () => {
    const store = temporaryStore()
    const names = Array.from({ length: 1000 }, () => store.blobs.temporary(store.testLease))
    expect(new Set(names).size).toBe(1000)
  })
})

test('several processes write the same content at once', async () => {
  const store = temporaryStore()
  const write = (args: { root: string }): Promise<Digest[]> =>
    inChild(async ({ load }, { root }) => {
      const { openStore } = await load<typeof import('./index.ts')>('store/index.ts')
      const own = openStore(root)
      const lease = own.lease()
      const digests: Digest[] = []
      for (let i = 0; i < 50; i++) digests.push(own.blobs.writeWhole(Buffer.alloc(5000, i), lease))
      lease[Symbol.dispose]()
      own[Symbol.dispose]()
      return digests
    }, args)
  const results = await Promise.all([1, 2, 3].map(() => write({ root: store.layout.root })))
  const [first] = results as [Digest[]]
  expect(results).toEqual([first, first, first])
  expect(first).toHaveLength(50)
  for (const [i, digest] of first.entries()) expect(store.blobs.readWhole(digest)).toEqual(Buffer.alloc(5000, i))
  expect(blobFiles(store)).toHaveLength(50)
  expect(readdirSync(path.join(store.layout.root, 'ingest'))).toEqual([store.testLease.id])
})

test('a file that somebody else put there is what it is', () => {
  const store = temporaryStore()
  const digest = digestOf(hello)
  writeFileSync(store.blobs.path(digest), hello)
  expect(store.blobs.has(digest)).toBe(true)
  expect(store.blobs.writeWhole(hello, store.testLease)).toBe(digest)
})
