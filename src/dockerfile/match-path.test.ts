import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ByteString, byteStringFromBuffer, toByteString } from '../core/index.ts'
import { hasWildcard, matchPath } from './match-path.ts'

const match = (pattern: string, name: string) => matchPath(toByteString(pattern), toByteString(name))

describe('what matches', () => {
  test.each([
    ['', ''],
    ['a', 'a'],
    ['*', ''],
    ['*', 'abc'],
    ['a*c', 'abbc'],
    ['a*b*c', 'axbxbxc'],
    ['*/b', 'a/b'],
    ['?', 'é'],
    ['*é', 'aé'],
    ['[a-c]x', 'bx'],
    ['[^a]', 'b'],
    ['[^a]', '/'],
    ['[é-ü]', 'ö'],
    ['[\\]a]', ']'],
    ['[\\-x]', '-'],
    ['\\*', '*'],
    ['a\\b', 'ab'],
    ['[*]a', '*a'],
    ['*??', '日'],
  ])('%s matches %s', (pattern, name) => {
    expect(match(pattern, name)).toBe(true)
  })
})

describe('what does not', () => {
  test.each([
    ['', 'a'],
    ['a', 'A'],
    ['a', 'ab'],
    ['*', 'a/b'],
    ['a*', 'a/b'],
    ['*a', 'b/a'],
    ['?', '/'],
    ['?', ''],
    ['[a-c]', 'd'],
    ['[^é]', 'é'],
    ['a\\*', 'ab'],
    ['*x', 'xxy'],
    ['**', 'a/b'],
  ])('%s does not match %s', (pattern, name) => {
    expect(match(pattern, name)).toBe(false)
  })
})

test.each(['[', '[a', '[]', '[]a]', '[-]', '[a-]', '[-x]', '[x-]', '[a-b-c]', '[^', 'a\\', '[\\', 'a[', '*['])(
  '%s is malformed',
  (pattern) => {
    expect(() => match(pattern, 'a')).toThrow(
      expect.objectContaining({ code: 'PATTERN_INVALID', message: 'syntax error in pattern' }),
    )
  },
)

test('names that are not UTF-8 count by bytes', () => {
  const name = byteStringFromBuffer(Buffer.from([0x61, 0xff, 0xfe]))
  expect(matchPath(toByteString('a??'), name)).toBe(true)
  expect(matchPath(toByteString('a?'), name)).toBe(false)
  expect(matchPath(toByteString('a[^b][^b]'), name)).toBe(true)
  expect(matchPath('a\xff*' as ByteString, name)).toBe(true)
})

test('agrees with a regular expression of the same meaning', () => {
  const part = fc.constantFrom('a', 'b', '/', '*', '?', '[ab]', '[^a/]', '\\*')
  const name = fc.array(fc.constantFrom('a', 'b', '*', '/'), { maxLength: 8 }).map((chars) => chars.join(''))
  fc.assert(
    fc.property(fc.array(part, { maxLength: 6 }), name, (parts, name) => {
      const translate = (part: string) => (part === '*' ? '[^/]*' : part === '?' ? '[^/]' : part)
      const expected = new RegExp(`^${parts.map(translate).join('')}$`).test(name)
      expect(match(parts.join(''), name)).toBe(expected)
    }),
    { numRuns: 2000 },
  )
})

test('a pattern of many stars takes no time', () => {
  expect(match(`${'*a'.repeat(5000)}b`, 'a'.repeat(10_000))).toBe(false)
})

test('wildcards are told from plain paths', () => {
  expect(['a', 'a*', 'a?', '[a]', 'a\\b'].map(hasWildcard)).toEqual([false, true, true, true, true])
})
