import { expect, test } from 'vitest'
import { matchesAny, parsePattern } from './patterns.ts'

const matches = (pattern: string, name: string): boolean => parsePattern(pattern)!.matches(name)

test.each([
  ['app', 'app', true],
  ['app', 'apps', false],
  ['app', 'ap', false],
  ['*', 'app', true],
  ['*', 'team/app', false],
  ['**', 'team/app', true],
  ['team/*', 'team/app', true],
  ['team/*', 'team/app/deep', false],
  ['team/**', 'team/app/deep', true],
  ['team/**', 'team', false],
  ['**/app', 'a/b/app', true],
  ['**/app', 'app', false],
  ['v*', 'v1.2.3', true],
  ['v?.*', 'v1.2.3', true],
  ['v?.*', 'v10.2', false],
  ['*-rc*', 'v1-rc2', true],
  ['*-rc*', 'v1', false],
  ['a.c', 'abc', false],
  ['?', '/', false],
  ['[a]', 'a', false],
])('%s and %s: %s', (pattern, name, expected) => {
  expect(matches(pattern, name)).toBe(expected)
})

test('a pattern made to be slow is not', () => {
  expect(matches(`${'*a'.repeat(120)}b`, 'a'.repeat(255))).toBe(false)
})

test('an empty and an endless pattern are none', () => {
  expect(parsePattern('')).toBeUndefined()
  expect(parsePattern('a'.repeat(256))).toBeUndefined()
})

test('any of several', () => {
  const patterns = [parsePattern('a')!, parsePattern('b*')!]
  expect(matchesAny(patterns, 'bcd')).toBe(true)
  expect(matchesAny(patterns, 'cd')).toBe(false)
  expect(matchesAny([], 'a')).toBe(false)
})
