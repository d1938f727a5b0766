import { existsSync, linkSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { mount, unmount } from './mount.ts'
import { removeTree } from './remove-tree.ts'

let folder: string
const at = (...names: string[]): string => path.join(folder, ...names)
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-remove-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

test('files, folders and links go; what they point to stays', () => {
  mkdirSync(at('tree/a/b'), { recursive: true })
  mkdirSync(at('outside'))
  writeFileSync(at('outside/kept'), 'kept')
  writeFileSync(at('tree/a/b/five'), '12345')
  writeFileSync(at('tree/three'), '123')
  linkSync(at('outside/kept'), at('tree/link'))
  symlinkSync(at('outside'), at('tree/away'))
  writeFileSync(Buffer.concat([Buffer.from(at('tree/')), Buffer.from([0xff, 0xfe])]), '1')
  expect(removeTree(at('tree'))).toBe(9)
  expect(readdirSync(folder)).toEqual(['outside'])
  expect(readdirSync(at('outside'))).toEqual(['kept'])
})

test('a file, a symlink, nothing', () => {
  writeFileSync(at('file'), '1234')
  symlinkSync(at('file'), at('link'))
  expect([removeTree(at('link')), removeTree(at('file')), removeTree(at('none'))]).toEqual([0, 4, 0])
  expect(readdirSync(folder)).toEqual([])
})

test.each([
  ['a path can be long', 'd'.repeat(200), 60],
  ['a process can open files', 'd', 3000],
])('directories nested deeper than %s', (_what, name, depth) => {
  mkdirSync(at('tree'))
  const before = process.cwd()
  try {
    process.chdir(at('tree'))
    for (let i = 0; i < depth; i++) {
      mkdirSync(name)
      process.chdir(name)
      writeFileSync('file', 'x')
    }
  } finally {
    process.chdir(before)
  }
  expect(removeTree(at('tree'))).toBe(depth)
  expect(readdirSync(folder)).toEqual([])
})

test.skipIf(process.getuid?.() === 0)('folders without permissions (an ordinary user)', () => {
  mkdirSync(at('tree/closed'), { recursive: true })
  writeFileSync(at('tree/closed/file'), 'x')
  rmSync(at('tree/closed/file'))
  mkdirSync(at('tree/closed/more'), { mode: 0 })
  removeTree(at('tree'))
  expect(existsSync(at('tree'))).toBe(false)
})

test.skipIf(process.getuid?.() !== 0)('a mounted file system is not touched (needs root)', () => {
  mkdirSync(at('tree/mnt'), { recursive: true })
  writeFileSync(at('tree/file'), 'x')
  mount({ type: 'tmpfs', source: 'tmpfs', options: [] }, at('tree/mnt'))
  try {
    writeFileSync(at('tree/mnt/precious'), 'p')
    removeTree(at('tree'))
    expect(readdirSync(at('tree'))).toEqual(['mnt'])
    expect(readdirSync(at('tree/mnt'))).toEqual(['precious'])
  } finally {
    unmount(at('tree/mnt'), { detach: true })
  }
})
