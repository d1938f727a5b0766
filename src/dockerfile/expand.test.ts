import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { SlipwayError } from '../core/index.ts'
import { type ExpandOptions, expand, expandRaw } from './expand.ts'

const env = new Map([
  ['A', 'one'],
  ['PATH', '/a/b/c.tar.gz'],
  ['EMPTY', ''],
  ['SPACED', ' x  y '],
  ['LINES', 'ab\ncb'],
  ['한', 'k'],
])
const text = (word: string, options?: ExpandOptions) => expand(word, env, options).text

/** Dollar signs are written as `@` in these tables. */
const dollars = (word: string) => word.replaceAll('@', '$')

describe('names and quotes', () => {
  test.each([
    ['@A', 'one'],
    ['@{A}b', 'oneb'],
    ['@Ab', ''],
    ['@A.b', 'one.b'],
    ['@1A', 'A'],
    ['@12', ''],
    ['@한', 'k'],
    ['@', '$'],
    ['a@', 'a$'],
    ['@@A', 'A'],
    ['@ A', '$ A'],
    ["'@A'", '$A'],
    ['"@A"', 'one'],
    ['"\'@A\'"', "'one'"],
    ['"\\@A \\" \\\\ \\n"', '$A " \\ \\n'],
    ['\\@A\\n', '$An'],
    ['a\\', 'a'],
    ["'a\\'b", 'a\\b'],
    ['\ufeffa', 'a'],
  ])('%s', (word, expected) => {
    expect(text(dollars(word))).toBe(expected)
  })

  test('the escape can be a backtick', () => {
    expect(text('`$A \\$A "`$A`"" \\n', { escape: '`' })).toBe('$A \\one $A" \\n')
  })
})

describe('modifiers', () => {
  test.each([
    ['@{A-x}@{EMPTY-x}@{NO-x}', 'onex'],
    ['@{A:-x}@{EMPTY:-x}@{NO:-x}', 'onexx'],
    ['@{A+x}@{EMPTY+x}@{NO+x}', 'xx'],
    ['@{A:+x}@{EMPTY:+x}@{NO:+x}', 'x'],
    ['@{A?x}@{EMPTY?x}@{A:?x}', 'oneone'],
    ['@{NO:-@{NO:-@A}}', 'one'],
    ['@{NO:-"a}b"}', 'a}b'],
    ['@{NO:-\\}}', '}'],
    ['@{PATH#*/}', 'a/b/c.tar.gz'],
    ['@{PATH##*/}', 'c.tar.gz'],
    ['@{PATH%.*}', '/a/b/c.tar'],
    ['@{PATH%%.*}', '/a/b/c'],
    ['@{PATH#?a?}', 'b/c.tar.gz'],
    ['@{PATH#x}', '/a/b/c.tar.gz'],
    ['@{A#}@{A##}@{A%}', 'oneoneone'],
    ['@{NO#x}', ''],
    ['@{PATH/\\//-}', '-a/b/c.tar.gz'],
    ['@{PATH//\\//-}', '-a-b-c.tar.gz'],
    ['@{PATH//[a-c]/x}', '/a/b/c.tar.gz'],
    ['@{A//?/<}', '<<<'],
    ['@{A///-}', '-o-n-e-'],
    ['@{A/*/x}', 'x'],
    ['@{A//*/x}', 'x'],
    ['@{A//n/[\\@0\\@@{NO}]}', 'o[\\n\\$]e'],
    ['@{LINES#*b}', '\ncb'],
    ['@{LINES##*b}', '\ncb'],
    ['@{LINES//*b/x}', 'x\nx'],
    ['@{LINES%?c*}', 'ab\ncb'],
    ['@{A%\\*}', 'one'],
  ])('%s', (word, expected) => {
    expect(text(dollars(word))).toBe(expected)
  })
})

describe('what is refused', () => {
  test.each([
    ["'a", 'unexpected end of statement while looking for matching single-quote'],
    ['"a\\"', 'unexpected end of statement while looking for matching double-quote'],
    ['@{', "syntax error: missing '}'"],
    ['@{A', 'unsupported modifier (\ufffd) in substitution'],
    ['@{A:-x', "syntax error: missing '}'"],
    ['@{}', 'syntax error: bad substitution'],
    ['@{{A}}', 'syntax error: bad substitution'],
    ['@{:A}', 'syntax error: bad substitution'],
    ['@{A.b}', 'unsupported modifier (.) in substitution'],
    ['@{A:b}', 'unsupported modifier (:b) in substitution'],
    ['@{A:#b}', 'unsupported modifier (:#) in substitution'],
    ['@{A:b', "syntax error: missing '}'"],
    ['@{A/b}', `syntax error: missing '/' in \${}`],
    ['@{A/b/c', "syntax error: missing '}'"],
    ['@{A#\\n}', "invalid pattern (\\n) in substitution: invalid escape '\\n'"],
    ['@{NO?}', 'NO: is not allowed to be unset'],
    ['@{EMPTY:?}', 'EMPTY: is not allowed to be empty'],
    ['@{NO:?say @A}', 'NO: say one'],
  ])('%s', (word, message) => {
    const full = `failed to process ${JSON.stringify(dollars(word))}: ${message}`
    expect(() => text(dollars(word))).toThrow(expect.objectContaining({ code: 'VARIABLE_INVALID', message: full }))
  })
})

describe('words', () => {
  const words = (word: string) => expand(dollars(word), env).words

  test.each<[string, string[]]>([
    ['', []],
    ['a b', ['a', 'b']],
    [' a  b ', ['a', 'b']],
    ['"a b" c', ['a b', 'c']],
    ['a\\ b', ['a b']],
    ['@SPACED', ['x', 'y']],
    ['"@SPACED"', [' x  y ']],
    ['a@{SPACED}b', ['a', 'x', 'y', 'b']],
    ["''", []],
  ])('%j', (word, expected) => {
    expect(words(word)).toEqual(expected)
  })

  test('a modifier loses what stands before it in its word, as in BuildKit', () => {
    expect(words('80@{NO:-81} 9@A')).toEqual(['81', '9one'])
  })
})

test('asked-for names are told apart by whether they are set', () => {
  const { used, unset } = expand(dollars('@A @NO @{EMPTY:-@{X}} @{NO2+y}'), env)
  expect([...used]).toEqual(['A', 'EMPTY'])
  expect([...unset]).toEqual(['NO', 'X', 'NO2'])
})

test('what is kept on demand', () => {
  expect(text('"$A" \'b\'', { keepQuotes: true })).toBe('"one" \'b\'')
  expect(text('\\$A \\b', { keepEscapes: true })).toBe('\\$A \\b')
  expect(text(dollars('@A @NO @{NO} @{NO:-x} @{NO#y} @{NO/a/b}'), { keepUnset: true })).toBe(
    dollars('one @NO @{NO} @{NO:-x} @{NO#y} @{NO/a/b}'),
  )
})

describe('the body of a here-document', () => {
  test('keeps quotes, and its escape is a backslash', () => {
    expect(expandRaw(`"$A" '$A' \\$A \\n \`$A\n`, env).text).toBe(`"one" 'one' $A n \`one\n`)
  })

  test('may be longer than a value', () => {
    expect(expandRaw('$A'.repeat(100_000), env).text).toHaveLength(300_000)
    expect(() => expandRaw('$A$A', env, 5)).toThrow(expect.objectContaining({ code: 'VARIABLE_TOO_LARGE' }))
  })
})

describe('hostile words', () => {
  test('a value that doubles stops at its limit', () => {
    let value = 'x'
    const grow = () => {
      for (let i = 0; i < 40; i++) value = expand('$V$V', new Map([['V', value]])).text
    }
    expect(grow).toThrow(expect.objectContaining({ code: 'VARIABLE_TOO_LARGE' }))
    expect(value.length).toBeLessThanOrEqual(128 * 1024)
  })

  test.each(['@{V//x/yyyyyyyy}', '"@V@V@V"', '@{NO:-@V@V@V}'])('%s stops too', (word) => {
    const big = new Map([['V', 'x'.repeat(60_000)]])
    expect(() => expand(dollars(word), big)).toThrow(expect.objectContaining({ code: 'VARIABLE_TOO_LARGE' }))
  })

  test.each(['@{a:-', '"@{a:-', '@{a/'])('deep nesting of %s is refused, not run', (part) => {
    expect(() => expand(dollars(part.repeat(50_000)), new Map())).toThrow(SlipwayError)
  })

  test.each([`*${'a*'.repeat(2000)}b`, `${'?'.repeat(2000)}b`, `${'a'.repeat(3000)}b`])(
    'the pattern %.10s... ends',
    (pattern) => {
      const big = new Map([['V', 'a'.repeat(20_000)]])
      for (const word of [`@{V#${pattern}}`, `@{V%%${pattern}}`, `@{V//${pattern}/}`]) {
        try {
          expect(expand(dollars(word), big).text).toHaveLength(20_000)
        } catch (error) {
          expect(error).toMatchObject({ code: 'VARIABLE_TOO_LARGE' })
        }
      }
    },
  )
})

test('any word is expanded or refused', () => {
  const part = fc.constantFrom(...'$${}{}:-+?#%/\\\'" abA한'.split(''), '${A', '${NO:-', 'EMPTY', '*')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 30 }), (parts) => {
      try {
        expand(parts.join(''), env)
      } catch (error) {
        expect(error).toMatchObject({ code: 'VARIABLE_INVALID' })
      }
    }),
    { numRuns: 2000 },
  )
})

test('patterns match as regular expressions of the same meaning do', () => {
  const piece = fc.constantFrom('a', 'b', 'c', '?', '*', '\n')
  const value = fc.array(fc.constantFrom('a', 'b', 'c', '\n'), { maxLength: 12 }).map((chars) => chars.join(''))
  const pattern = fc.array(piece, { maxLength: 6 }).map((parts) => parts.join('').replace(/\*+/g, '*'))
  fc.assert(
    fc.property(pattern, value, (pattern, value) => {
      const source = (star: string) => pattern.replace(/[*?]/g, (char) => (char === '*' ? star : '.'))
      const with_ = (word: string) => expand(word, new Map([['V', value]])).text
      expect(with_(`\${V#${pattern}}`)).toBe(value.replace(new RegExp(`^${source('.*?')}`), ''))
      expect(with_(`\${V##${pattern}}`)).toBe(value.replace(new RegExp(`^${source('.*')}`), ''))
      if (pattern !== '') expect(with_(`\${V/${pattern}/-}`)).toBe(value.replace(new RegExp(source('.*')), '-'))
    }),
    { numRuns: 2000 },
  )
})
