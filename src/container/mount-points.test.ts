import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../host/child.suite.ts'
import { makeMountPoints } from './mount-points.ts'

test('are made where they are missing, and taken away again', () => {
  const root = temporaryFolder()
  mkdirSync(path.join(root, 'there'))
  {
    using _points = makeMountPoints(root, [
      { target: '/a/b', kind: 'directory' },
      { target: '/a/c/f', kind: 'file' },
      { target: '/there', kind: 'directory' },
    ])
    expect(readdirSync(root, { recursive: true }).map(String).sort()).toEqual(['a', 'a/b', 'a/c', 'a/c/f', 'there'])
    expect(lstatSync(path.join(root, 'a/c/f')).isFile()).toBe(true)
    expect(statSync(path.join(root, 'a')).mode & 0o777).toBe(0o755)
  }
  expect(readdirSync(root)).toEqual(['there'])
})

test('stay when they are used, with the folders they are in', () => {
  const root = temporaryFolder()
  {
    using _points = makeMountPoints(root, [
      { target: '/a/b', kind: 'directory' },
      { target: '/f', kind: 'file' },
    ])
    writeFileSync(path.join(root, 'a/x'), '')
    writeFileSync(path.join(root, 'f'), 'text')
  }
  expect(readdirSync(root, { recursive: true }).map(String).sort()).toEqual(['a', 'a/x', 'f'])
})

test('leave the times of folders alone', () => {
  const root = temporaryFolder()
  mkdirSync(path.join(root, 'd'))
  utimesSync(path.join(root, 'd'), 1000, 2000)
  {
    using _points = makeMountPoints(root, [{ target: '/d/x', kind: 'directory' }])
    expect(statSync(path.join(root, 'd')).mtimeMs).toBe(2_000_000)
  }
  expect(statSync(path.join(root, 'd')).mtimeMs).toBe(2_000_000)
})

test('are below the root, whatever symlinks say before or after', () => {
  const [root, outside] = [temporaryFolder(), temporaryFolder()]
  symlinkSync(outside, path.join(root, 'out'))
  symlinkSync('../../../../inner', path.join(root, 'up'))
  mkdirSync(path.join(root, 'inner'))
  mkdirSync(path.join(outside, 'keep'))
  {
    using _points = makeMountPoints(root, [
      { target: '/out/x', kind: 'directory' },
      { target: '/up/y', kind: 'directory' },
      { target: '/swapped/keep', kind: 'directory' },
    ])
    expect(existsSync(path.join(root, 'inner/y'))).toBe(true)
    expect(readdirSync(outside)).toEqual(['keep'])
    // what a step may do behind our back
    const swapped = path.join(root, 'swapped')
    mkdirSync(`${swapped}-away`)
    utimesSync(swapped, 1, 1)
  }
  expect(readdirSync(outside)).toEqual(['keep'])
})

test('what cannot be made is left to the runtime to complain about', () => {
  const root = temporaryFolder()
  writeFileSync(path.join(root, 'file'), 'x')
  makeMountPoints(root, [{ target: '/file/x', kind: 'directory' }])[Symbol.dispose]()
  expect(readdirSync(root)).toEqual(['file'])
})
