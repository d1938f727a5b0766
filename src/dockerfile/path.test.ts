import { expect, test } from 'vitest'
import { cleanPath, resolveWorkdir } from './path.ts'

test.each([
  ['', '.'],
  ['a/', 'a'],
  ['/', '/'],
  ['//a//b/', '/a/b'],
  ['./a/./b', 'a/b'],
  ['a/../b', 'b'],
  ['a/..', '.'],
  ['../../a', '../../a'],
  ['/../a', '/a'],
  ['!../a', '!../a'],
])('clean %j', (path, clean) => {
  expect(cleanPath(path)).toBe(clean)
})

test.each([
  ['', '', '/'],
  ['', 'a', '/a'],
  ['/a', 'b/', '/a/b'],
  ['/a', '/b', '/b'],
  ['/a', '../..', '/'],
  ['a', '', '/a'],
])('from %j to %j', (current, path, result) => {
  expect(resolveWorkdir(current, path)).toBe(result)
})
