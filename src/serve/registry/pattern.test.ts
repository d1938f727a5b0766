import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { matchesAny, parsePattern } from './pattern.ts'

const matches = (pattern: string, name: string): boolean => parsePattern(pattern)!.matches(name)

describe('what a pattern matches', () => {
  test.each([
    ['app', 'app', true],
    ['app', 'apps', false],
    ['app', 'team/app', false],
    ['team/*', 'team/app', true],
    ['team/*', 'team', false],
    ['team/*', 'team/a/b', false],
    ['team/*', 'teams/app', false],
    ['team/**', 'team/a', true],
    ['team/**', 'team/a/b/c', true],
    ['team/**', 'team', false],
    ['team/**', 'steam/a', false],
    ['**', 'a', true],
    ['**', 'a/b/c', true],
    ['*', 'a', true],
    ['*', 'a/b', false],
    ['**/cache', 'cache', true],
    ['**/cache', 'a/b/cache', true],
    ['**/cache', 'a/b/mycache', false],
    ['a/**/z', 'a/z', true],
    ['a/**/z', 'a/b/c/z', true],
    ['a/**/z', 'a/b/c', false],
    ['a/**/b/**', 'a/b', false],
    ['a/**/b/**', 'a/x/b/y', true],
    ['team/app-*', 'team/app-1', true],
    ['team/app-*', 'team/app-', true],
    ['team/app-*', 'team/app', false],
    ['*-dev/*', 'x-dev/app', true],
    ['a*b*c', 'aXbbYc', true],
    ['a*b*c', 'abcb', false],
    ['a.b', 'axb', false],
    ['**', 'a/blobs/b', true],
    ['a/*', 'a/blobs/b', false],
    ['v*', 'v1.2.3', true],
    ['v?.*', 'v1.2.3', true],
    ['v?.*', 'v10.2', false],
    ['*-rc*', 'v1-rc2', true],
    ['*-rc*', 'v1', false],
    ['?', '/', false],
    ['[a]', 'a', false],
    ['RC', 'RC', true],
  ])('%s on %s: %s', (pattern, name, expected) => expect(matches(pattern, name)).toBe(expected))
})

test.each(['', '/', 'a/', '/a', 'a//b', 'a/**b', 'v**', 'a***', 'a'.repeat(256)])('no pattern: %j', (text) =>
  expect(parsePattern(text)).toBeUndefined(),
)

test('any of several', () => {
  const patterns = [parsePattern('a')!, parsePattern('b*')!]
  expect(matchesAny(patterns, 'bcd')).toBe(true)
  expect(matchesAny(patterns, 'cd')).toBe(false)
  expect(matchesAny([], 'a')).toBe(false)
})

test('a pattern is the same as the regular expression it stands for', () => {
  const part = fc.stringMatching(/^[ab*]{1,4}$/).filter((text) => !text.includes('**'))
  const patterns = fc.array(fc.oneof(part, fc.constant('**')), { minLength: 1, maxLength: 4 })
  const names = fc.array(fc.stringMatching(/^[ab]{1,3}$/), { minLength: 1, maxLength: 5 })
  fc.assert(
    fc.property(patterns, names, (parts, components) => {
      const source = parts.map((text, at) => {
        if (text !== '**') return `/${text.replaceAll('*', '[ab]*')}`
        return at === parts.length - 1 ? '(/[ab]+)+' : '(/[ab]+)*'
      })
      const expected = new RegExp(`^${source.join('')}$`).test(`/${components.join('/')}`)
      expect(matches(parts.join('/'), components.join('/'))).toBe(expected)
    }),
  )
})

test('a pattern made to be slow is not', () => {
  const stars = parsePattern(`${'a*'.repeat(100)}b`)!
  const components = parsePattern(`${'**/a/'.repeat(50)}b`)!
  let steps = 0
  for (; steps < 100; steps++) {
    expect(stars.matches('a'.repeat(255))).toBe(false)
    expect(components.matches(`${'a/'.repeat(127)}a`)).toBe(false)
  }
  expect(steps).toBe(100)
})
