import {
  closeSync,
  constants,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { openExact } from './open-exact.ts'

let root: string
beforeAll(() => {
  root = realpathSync(mkdtempSync(path.join(os.tmpdir(), 'exact-')))
  mkdirSync(path.join(root, 'folder'))
  writeFileSync(path.join(root, 'folder/file'), 'inside')
  symlinkSync('folder', path.join(root, 'link'))
})
afterAll(() => rmSync(root, { recursive: true }))

const read = (name: string | Buffer, flags?: number): string | undefined => {
  const fd = openExact(typeof name === 'string' ? path.join(root, name) : name, flags)
  if (fd === undefined) return undefined
  try {
    return flags === undefined ? readFileSync(fd, 'utf8') : 'opened'
  } finally {
    closeSync(fd)
  }
}

test('opens a file and a folder', () => {
  expect(read('folder/file')).toBe('inside')
  expect(read('folder', constants.O_DIRECTORY)).toBe('opened')
})

test('opens names that are no text', () => {
  const name = Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x0a, 0xfe])])
  writeFileSync(name, 'odd')
  expect(read(name)).toBe('odd')
})

test('opens nothing behind a link on the way', () => {
  expect(read('link/file')).toBeUndefined()
})

test('fails for a link itself, and for what is not there', () => {
  expect(() => read('link')).toThrow(/ELOOP/)
  expect(() => read('link', constants.O_DIRECTORY)).toThrow(/ENOTDIR|ELOOP/)
  expect(() => read('none')).toThrow(/ENOENT/)
})

test('notices a folder that became a link after it was looked at', () => {
  mkdirSync(path.join(root, 'swapped'))
  writeFileSync(path.join(root, 'swapped/file'), 'inside')
  renameSync(path.join(root, 'swapped'), path.join(root, 'away'))
  symlinkSync('away', path.join(root, 'swapped'))
  expect(read('swapped/file')).toBeUndefined()
})
