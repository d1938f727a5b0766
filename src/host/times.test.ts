import { lstatSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { temporaryFolder } from './child.suite.ts'
import { setTimes } from './index.ts'

function nanoseconds(file: string): bigint[] {
  const { atimeNs, mtimeNs } = lstatSync(file, { bigint: true })
  return [atimeNs, mtimeNs]
}

test.each([
  [{ seconds: 0, nanoseconds: 0 }, 0n],
  [{ seconds: 1_700_000_000, nanoseconds: 123_456_789 }, 1_700_000_000_123_456_789n],
  [{ seconds: -1, nanoseconds: 999_999_999 }, -1n],
  [{ seconds: -2_000_000_000, nanoseconds: 1 }, -1_999_999_999_999_999_999n],
])('%j is set to the nanosecond', (time, expected) => {
  const file = `${temporaryFolder()}/file`
  writeFileSync(file, '')
  setTimes(file, time)
  expect(nanoseconds(file)).toEqual([expected, expected])
})

test('a symlink is not followed', () => {
  const file = `${temporaryFolder()}/file`
  writeFileSync(file, '')
  const before = statSync(file, { bigint: true }).mtimeNs
  symlinkSync(file, `${file}.link`)
  setTimes(Buffer.from(`${file}.link`), { seconds: 5, nanoseconds: 6 })
  expect(nanoseconds(`${file}.link`)).toEqual([5_000_000_006n, 5_000_000_006n])
  expect(statSync(file, { bigint: true }).mtimeNs).toBe(before)
})

test('what is not there, and what is no time', () => {
  const file = `${temporaryFolder()}/file`
  expect(() => setTimes(file, { seconds: 0, nanoseconds: 0 })).toThrow(/ENOENT: utimensat '.*file'/)
  writeFileSync(file, '')
  expect(() => setTimes(file, { seconds: 0, nanoseconds: 2_000_000_000 })).toThrow(/EINVAL/)
})
