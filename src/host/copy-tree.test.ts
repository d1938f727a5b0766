import {
  chmodSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { isRoot, temporaryFolder } from './child.suite.ts'
import { copyTree } from './copy-tree.ts'

const keep = { owner: 'keep' } as const

/** A folder with a bit of everything. */
function tree(): string {
  const folder = path.join(temporaryFolder(), 'tree')
  mkdirSync(path.join(folder, 'd'), { recursive: true })
  writeFileSync(path.join(folder, 'd/f'), 'text')
  chmodSync(path.join(folder, 'd/f'), 0o4711)
  linkSync(path.join(folder, 'd/f'), path.join(folder, 'hard'))
  symlinkSync('/nowhere', path.join(folder, 'link'))
  writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff])]), 'not UTF-8')
  utimesSync(path.join(folder, 'd'), 1000, 2000)
  return folder
}

test('keeps contents, modes, times, links and names', () => {
  const [from, to] = [tree(), path.join(temporaryFolder(), 'new')]
  copyTree(from, to, keep)
  expect(readFileSync(path.join(to, 'd/f'), 'utf8')).toBe('text')
  expect(lstatSync(path.join(to, 'd/f')).mode & 0o7777).toBe(0o4711)
  expect(lstatSync(path.join(to, 'd')).mtimeMs).toBe(2_000_000)
  expect(readlinkSync(path.join(to, 'link'))).toBe('/nowhere')
  expect(readdirSync(to, { encoding: 'buffer' }).some((name) => Buffer.from(name).equals(Buffer.from([0xff])))).toBe(
    true,
  )
})

test('merges folders, replaces files and symlinks without following them', () => {
  const [from, to, outside] = [tree(), temporaryFolder(), temporaryFolder()]
  mkdirSync(path.join(to, 'd'))
  writeFileSync(path.join(to, 'd/g'), 'stays')
  writeFileSync(path.join(outside, 'x'), 'untouched')
  symlinkSync(path.join(outside, 'x'), path.join(to, 'hard'))
  copyTree(from, to, keep)
  expect(readdirSync(path.join(to, 'd')).sort()).toEqual(['f', 'g'])
  expect([readFileSync(path.join(to, 'hard'), 'utf8'), readFileSync(path.join(outside, 'x'), 'utf8')]).toEqual([
    'text',
    'untouched',
  ])
})

test('refuses what does not fit together', () => {
  const [from, to, outside] = [tree(), temporaryFolder(), temporaryFolder()]
  symlinkSync(outside, path.join(to, 'd'))
  expect(() => copyTree(from, to, keep)).toThrow(/cannot overwrite non-directory/)
  expect(readdirSync(outside)).toEqual([])
  const other = temporaryFolder()
  mkdirSync(path.join(other, 'link'))
  expect(() => copyTree(from, other, keep)).toThrow(/cannot overwrite directory/)
})

test('follows the source itself only when it is told to', () => {
  const [from, to] = [tree(), temporaryFolder()]
  symlinkSync(path.join(from, 'd'), path.join(to, 's'))
  copyTree(path.join(to, 's'), path.join(to, 'a'), keep)
  copyTree(path.join(to, 's'), path.join(to, 'b'), { ...keep, follow: true })
  expect([lstatSync(path.join(to, 'a')).isSymbolicLink(), readdirSync(path.join(to, 'b'))]).toEqual([true, ['f']])
})

test.skipIf(!isRoot)('gives everything the owner that is asked for', () => {
  const [from, to] = [tree(), path.join(temporaryFolder(), 'new')]
  copyTree(from, to, { owner: { uid: 3, gid: 4 } })
  for (const name of ['', 'd', 'd/f', 'link']) expect(lstatSync(path.join(to, name))).toMatchObject({ uid: 3, gid: 4 })
})
