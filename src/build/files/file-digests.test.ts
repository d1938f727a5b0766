import { renameSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { type ByteString, byteStringToBuffer, digestOf, silentJob, toByteString } from '../../core/index.ts'
import { type TestStore, temporaryStore } from '../../store/fixture.suite.ts'
import { contextFolder, digestFor } from '../fixture.suite.ts'
import { FileDigests } from './file-digests.ts'

const F = toByteString('f')
const WRONG = digestFor('what a remembered digest would say')

/** A folder with a file that is old enough to be trusted. */
async function settledFolder(text: string): Promise<string> {
  const folder = contextFolder({ f: text })
  await sleep(80)
  return folder
}

const stat = (folder: string) => statSync(path.join(folder, 'f'), { bigint: true })
const digest = (digests: FileDigests, folder: string) => digests.get(F, path.join(folder, 'f'), stat(folder), silentJob)

/** Remembers a folder, then puts a digest in its place that no reading gives: it tells whether the file was read. */
async function rememberWrong(store: TestStore, folder: string): Promise<void> {
  const digests = new FileDigests(store.memos, folder)
  const right = await digest(digests, folder)
  digests.save()
  const memo = Buffer.from(store.memos.get('file-digests', folder)!).toString('hex')
  const changed = memo.replaceAll(right.slice(7), WRONG.slice(7))
  store.memos.set('file-digests', folder, Buffer.from(changed, 'hex'))
}

describe('digests', () => {
  test('are those of the content', async () => {
    const folder = await settledFolder('text')
    expect(await digest(new FileDigests(temporaryStore().memos, folder), folder)).toBe(digestFor('text'))
  })

  test('of large files are read in pieces', async () => {
    const folder = contextFolder()
    const bytes = Buffer.alloc((1 << 20) * 2 + 7, 'abc')
    writeFileSync(path.join(folder, 'f'), bytes)
    expect(await digest(new FileDigests(temporaryStore().memos, folder), folder)).toBe(digestOf(bytes))
  })

  test('of large files stop when the build is stopped', async () => {
    const folder = contextFolder()
    writeFileSync(path.join(folder, 'f'), Buffer.alloc((1 << 20) + 1))
    const job = { progress: () => {}, signal: AbortSignal.abort() }
    const digests = new FileDigests(temporaryStore().memos, folder)
    const getting = digests.get(F, path.join(folder, 'f'), stat(folder), job)
    await expect(getting).rejects.toMatchObject({ code: 'CANCELED' })
  })
})

describe('an unchanged file', () => {
  test('is not read again', async () => {
    const store = temporaryStore()
    const folder = await settledFolder('text')
    await rememberWrong(store, folder)
    expect(await digest(new FileDigests(store.memos, folder), folder)).toBe(WRONG)
  })

  test('in another folder is another file', async () => {
    const store = temporaryStore()
    const folder = await settledFolder('text')
    await rememberWrong(store, folder)
    expect(await digest(new FileDigests(store.memos, '/elsewhere'), folder)).toBe(digestFor('text'))
  })

  test('is remembered beside others, which other builds looked at', async () => {
    const store = temporaryStore()
    const folder = await settledFolder('text')
    const other = '\xff\t' as ByteString
    const otherFile = Buffer.concat([Buffer.from(`${folder}/`), byteStringToBuffer(other)])
    writeFileSync(otherFile, 'other')
    await sleep(80)
    await rememberWrong(store, folder)
    const otherStat = statSync(otherFile, { bigint: true })
    const later = new FileDigests(store.memos, folder)
    expect(await later.get(other, otherFile, otherStat, silentJob)).toBe(digestFor('other'))
    later.save()
    const last = new FileDigests(store.memos, folder)
    expect(await digest(last, folder)).toBe(WRONG)
    expect(await last.get(other, '/nowhere', otherStat, silentJob)).toBe(digestFor('other'))
  })
})

describe('a changed file is read', () => {
  test.each([
    ['another size', (file: string) => writeFileSync(file, 'longer text')],
    [
      'the same size, with its time set back',
      (file: string) => {
        const { atime, mtime } = statSync(file)
        writeFileSync(file, 'TEXT')
        utimesSync(file, atime, mtime)
      },
    ],
    [
      'another file in its place',
      (file: string) => {
        const { atime, mtime } = statSync(file)
        writeFileSync(`${file}.new`, 'TEXT')
        utimesSync(`${file}.new`, atime, mtime)
        renameSync(`${file}.new`, file)
      },
    ],
    ['another time', (file: string) => utimesSync(file, 1, 1)],
  ])('%s', async (_, change) => {
    const store = temporaryStore()
    const folder = await settledFolder('text')
    await rememberWrong(store, folder)
    change(path.join(folder, 'f'))
    expect(await digest(new FileDigests(store.memos, folder), folder)).not.toBe(WRONG)
  })
})

test('a file that was written a moment ago is not remembered: it may be written again within one tick', async () => {
  const store = temporaryStore()
  const folder = contextFolder({ f: 'text' })
  const now = BigInt(Date.now()) * 1_000_000n
  const fresh = Object.assign(stat(folder), { mtimeNs: now, ctimeNs: now + 1n })
  const digests = new FileDigests(store.memos, folder)
  await digests.get(F, path.join(folder, 'f'), fresh, silentJob)
  digests.save()
  expect(store.memos.get('file-digests', folder)).toBeUndefined()
})
