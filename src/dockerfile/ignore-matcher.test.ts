import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseIgnore } from './ignore.ts'
import { createIgnoreMatcher, type IgnoreMatch } from './ignore-matcher.ts'

const excludes = (patterns: string[], path: string) => createIgnoreMatcher(patterns).excludes(path)

describe('one pattern', () => {
  test.each([
    ['a', 'a', true],
    ['a', 'a/b/c', true],
    ['a', 'b/a', false],
    ['a/b', 'a/b/c', true],
    ['a/b', 'a', false],
    ['*.go', 'x.go', true],
    ['*.go', 'd/x.go', false],
    ['*/x', 'd/x/y', true],
    ['?', 'é', true],
    ['a?c', 'a/c', false],
    ['**', 'a/b', true],
    ['**/x', 'x', true],
    ['**/x', 'a/b/x/c', true],
    ['**/x', 'ax', false],
    ['**x', 'a/bx', true],
    ['a/**', 'a', false],
    ['a/**', 'a/b', true],
    ['a/**', 'a/b/c', true],
    ['a**', 'ab/c', true],
    ['a/**/b', 'a/b', true],
    ['a/**/b', 'a/x/y/b', true],
    ['a/**/b', 'a/xb', false],
    ['a**b', 'ab', true],
    ['a**b', 'axb', false],
    ['a**b', 'a/b', true],
    ['**/*.txt', 'a/b.txt', true],
    ['[a-c]x', 'bx', true],
    ['[^a]x', 'ax', false],
    ['a[^b]c', 'a/c', true],
    ['[!a]x', '!x', true],
    ['a.b', 'axb', false],
    ['a(b)+|$', 'a(b)+|$', true],
    ['a(b)*', 'a(b)x', true],
    ['a{b}*', 'a{b}x', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['a^b', 'a^b', true],
    ['a^b*', 'a^b', false],
    ['./a/../b/', 'b', true],
    ['.', 'a', false],
    ['a\nb*', 'a\nbc', true],
    [' a ', 'a', true],
  ])('%j excludes %j: %s', (pattern, path, excluded) => {
    expect(excludes([pattern], path)).toBe(excluded)
  })
})

describe('escapes are those of Go regular expressions, as in Docker', () => {
  test.each([
    ['\\d*', '1', true],
    ['\\d*', 'd1', false],
    ['[\\d]x', '7x', true],
    ['\\Dx*', 'ax', true],
    ['\\w\\s*', 'a b', true],
    ['\\x41*', 'A', true],
    ['\\101*', 'A', true],
    ['\\t*', '\t', true],
    ['\\pL*', 'é', true],
    ['\\PL*', 'é', false],
    ['a\\b*', 'a.b', true],
    ['a\\b*', 'ab', false],
    ['a\\B*', 'ab', true],
    ['\\Aa*', 'ab', true],
    ['[[:alpha:]]x', 'ax', true],
    ['[[:^alpha:]]x', 'ax', false],
    ['[a\\]b]x', ']x', true],
    ['[*]x', '*x', false],
    ['[*]x', '[]x', true],
    ['\\Qa*', 'a[^/]*$', true],
  ])('%s and %j: %s', (pattern, path, excluded) => {
    expect(excludes([pattern], path)).toBe(excluded)
  })

  test.each(['\\q*', '\\8*', '\\C*', '[[:what:]]x', '[z-a]x', '\\pX*', 'a*/[', '\\é'])(
    '%s cannot be compiled',
    (pattern) => {
      const matcher = createIgnoreMatcher([pattern])
      expect(() => matcher.excludes('a')).toThrow(
        expect.objectContaining({ code: 'PATTERN_INVALID', message: 'syntax error in pattern' }),
      )
    },
  )
})

describe('lists', () => {
  test.each([
    [['a', '!a/b'], 'a/b', false],
    [['a', '!a/b'], 'a/c', true],
    [['a', '!a/b', 'a/b/c'], 'a/b/c', true],
    [['*', '!a'], 'a/b', false],
    [['!a', 'a'], 'a', true],
    [['**', '!**/*.go'], 'x/y.go', false],
    [['', ' ', 'a'], 'a', true],
    [[], 'a', false],
  ])('%j excludes %s: %s', (patterns, path, excluded) => {
    expect(excludes(patterns, path)).toBe(excluded)
  })

  test.each([
    ['!', 'illegal exclusion pattern: "!"'],
    ['! ', 'illegal exclusion pattern: "!"'],
    ['[', 'syntax error in pattern'],
    ['a\\', 'syntax error in pattern'],
  ])('%s is refused where it stands', (line, message) => {
    const patterns = parseIgnore({ name: '.dockerignore', text: `a\n${line}\n` })
    expect(() => createIgnoreMatcher(patterns)).toThrow(
      expect.objectContaining({ code: 'PATTERN_INVALID', message, span: expect.objectContaining({ line: 2 }) }),
    )
  })
})

describe('walking a tree', () => {
  /** Included files, entering only directories that may hold some. */
  function walk(patterns: string[], files: string[]): { included: string[]; entered: string[] } {
    const matcher = createIgnoreMatcher(patterns)
    const included: string[] = []
    const entered: string[] = []
    const visit = (directory: string, parent?: IgnoreMatch): void => {
      const below = files.filter((file) => file.startsWith(directory)).map((file) => file.slice(directory.length))
      for (const name of new Set(below.map((file) => file.split('/')[0]!))) {
        const path = directory + name
        const match = matcher.match(path, parent)
        if (files.includes(path)) {
          if (!match.excluded) included.push(path)
        } else if (matcher.mayIncludeBelow(path, match)) {
          entered.push(path)
          visit(`${path}/`, match)
        }
      }
    }
    visit('')
    return { included, entered }
  }

  const files = ['a/b/c', 'a/d', 'e/f/g', 'h']

  test.each([
    [['a'], ['e/f/g', 'h'], ['e', 'e/f']],
    [
      ['a', '!a/d'],
      ['a/d', 'e/f/g', 'h'],
      ['a', 'e', 'e/f'],
    ],
    [['*', '!e/f'], ['e/f/g'], ['e', 'e/f']],
    [['*', '!**/g'], ['e/f/g'], ['a', 'a/b', 'e', 'e/f']],
    [['*', '!a/*/c'], ['a/b/c'], ['a', 'a/b']],
    [['*', '!a/**', 'a/b'], ['a/d'], ['a']],
    [['!a', '*'], [], []],
    [
      ['a/b', '!a'],
      ['a/d', 'e/f/g', 'h'],
      ['a', 'e', 'e/f'],
    ],
  ])('%j', (patterns, included, entered) => {
    expect(walk(patterns, files)).toEqual({ included, entered })
  })

  test('a single question without the walk may answer otherwise', () => {
    expect(excludes(['a/b', '!a'], 'a/b')).toBe(false)
  })

  test('the pattern that decided is told', () => {
    const matcher = createIgnoreMatcher(['a', '!a/b', '*.c'])
    expect(['a', 'a/b', 'x.c', 'y'].map((path) => matcher.match(path).pattern)).toEqual([0, 1, 2, undefined])
    expect(matcher.hasExceptions).toBe(true)
    expect(createIgnoreMatcher(['a']).hasExceptions).toBe(false)
  })

  test('no directory is left out that holds included files', () => {
    const part = fc.constantFrom('a', 'b', '*', '**', '?', '[ab]', 'a*')
    const pattern = fc
      .tuple(fc.constantFrom('', '!'), fc.array(part, { minLength: 1, maxLength: 3 }))
      .map(([not, parts]) => not + parts.join('/'))
    const path = fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 4 })
    fc.assert(
      fc.property(fc.array(pattern, { maxLength: 5 }), path, (patterns, names) => {
        const matcher = createIgnoreMatcher(patterns)
        const file = names.join('/')
        let match: IgnoreMatch | undefined
        let pruned = false
        for (let i = 1; i <= names.length; i++) {
          const at = names.slice(0, i).join('/')
          match = matcher.match(at, match)
          if (i < names.length) pruned ||= !matcher.mayIncludeBelow(at, match)
        }
        if (pruned) expect([file, match!.excluded]).toEqual([file, true])
      }),
      { numRuns: 3000 },
    )
  })
})

test('patterns without escapes agree with regular expressions of the same meaning', () => {
  const part = fc.constantFrom('a', 'b', '/', '*', '**', '**/', '?', '[ab]', '[^a]', '.')
  const path = fc
    .array(fc.constantFrom('a', 'b', '/', '.'), { minLength: 1, maxLength: 9 })
    .map((chars) => chars.join(''))
  fc.assert(
    fc.property(fc.array(part, { minLength: 1, maxLength: 6 }), path, (parts, path) => {
      const pattern = `x*/${parts.join('')}x`.replace(/\/+/g, '/')
      fc.pre(!/\.\.?\//.test(pattern) && !/\/\./.test(pattern))
      const source = pattern.replace(/\*\*\/?|\*|\?|\[.*?\]|\./g, (special) => {
        if (special.startsWith('**')) return '(.*/)?'
        return special === '*' ? '[^/]*' : special === '?' ? '[^/]' : special === '.' ? '\\.' : special
      })
      const name = `x/${path}x`
      const above = name.split('/').map((_, i, names) => names.slice(0, i + 1).join('/'))
      expect(excludes([pattern], name)).toBe(above.some((path) => new RegExp(`^${source}$`).test(path)))
    }),
    { numRuns: 3000 },
  )
})

describe('patterns made to be slow', () => {
  test.each([
    [`${'*'.repeat(60)}b`, 'a'.repeat(120)],
    [`${'**/'.repeat(60)}z`, `${'d/'.repeat(500)}f`],
    [`${'?*'.repeat(40)}q`, 'a'.repeat(4000)],
    [`${'**/a*'.repeat(30)}z`, `${'a/'.repeat(500)}f`],
    [`${'[a-z]*'.repeat(200)}Z`, 'abc'.repeat(1000)],
    ['**/'.repeat(20_000), 'a/b'],
  ])('%.10s... ends', (pattern, path) => {
    expect(excludes([`${pattern}y`], path)).toBe(false)
  })
})
