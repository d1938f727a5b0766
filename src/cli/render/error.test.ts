import { describe, expect, test } from 'vitest'
import { fail, type SourceSpan } from '../../core/index.ts'
import { chooseColors, PLAIN_COLORS } from './colors.ts'
import { exitCodeOf, renderBuildError, renderError } from './error.ts'
import { renderCaret, renderExcerpt } from './excerpt.ts'

const source = {
  name: 'Dockerfile',
  text: 'FROM scratch AS base\nCOPY busybox /bin/busybox\nRUN make \\\n  all\n\tCOPY 名 src/app.js /app/\nRUN true\n',
}
const span = (line: number, column: number, endLine: number, endColumn: number): SourceSpan => ({
  source,
  line,
  column,
  endLine,
  endColumn,
})
const rule = '-'.repeat(20)

describe('excerpts as BuildKit prints them', () => {
  test('one line in the middle has two on each side', () => {
    expect(renderExcerpt(span(3, 1, 3, 5))).toBe(
      [
        'Dockerfile:3',
        rule,
        '   1 |     FROM scratch AS base',
        '   2 |     COPY busybox /bin/busybox',
        '   3 | >>> RUN make \\',
        '   4 |       all',
        '   5 |         COPY 名 src/app.js /app/',
        rule,
        '',
      ].join('\n'),
    )
  })

  test.each([
    ['the first line', span(1, 1, 1, 5), [1, 3]],
    ['the last line', span(7, 1, 7, 1), [5, 7]],
    ['several lines', span(3, 1, 4, 6), [2, 5]],
    ['all lines', span(1, 1, 7, 1), [1, 7]],
  ])('%s', (_name, at, [first, last]) => {
    const numbers = [...renderExcerpt(at).matchAll(/^ +(\d+) \|/gm)].map((match) => Number(match[1]))
    expect([numbers[0], numbers.at(-1)]).toEqual([first, last])
  })

  test('a span outside of the text shows nothing', () => {
    expect(renderExcerpt(span(99, 1, 99, 2))).toBe('')
  })
})

describe('carets', () => {
  test('stand below what the span covers, by display width', () => {
    expect(renderCaret(span(5, 9, 5, 19))).toBe(
      '  Dockerfile:5:9\n  5 |     COPY 名 src/app.js /app/\n    |             ^^^^^^^^^^\n',
    )
  })

  test('of several lines mark the rest of the first', () => {
    expect(renderCaret(span(3, 1, 4, 6))).toBe('  Dockerfile:3:1\n  3 | RUN make \\\n    | ^^^^^^^^^^\n')
  })

  test('of an empty span are one', () => {
    expect(renderCaret(span(7, 1, 7, 1))).toContain('    | ^\n')
  })
})

describe('errors', () => {
  const error = fail('BLOB_NOT_FOUND', 'no such \x1b[31mfile', { hint: 'add it.', span: span(2, 6, 2, 13) })

  test('have the code at the right edge, the place and the hint', () => {
    expect(renderError(error, { columns: 60, colors: PLAIN_COLORS })).toBe(
      [
        'error: no such \\x1b[31mfile                   BLOB_NOT_FOUND',
        '  Dockerfile:2:6',
        '  2 | COPY busybox /bin/busybox',
        '    |      ^^^^^^^',
        '  hint: add it.',
        '',
      ].join('\n'),
    )
  })

  test('have the code below where there is no room', () => {
    expect(renderError(error, { columns: 40, colors: PLAIN_COLORS })).toMatch(/^error: .*\n {2}BLOB_NOT_FOUND\n/)
  })

  test('of a build look like those of docker build', () => {
    expect(renderBuildError(error)).toBe(
      `${renderExcerpt(error.span!)}ERROR: failed to build: no such \\x1b[31mfile\n  hint: add it.\n`,
    )
  })

  test('show causes when debugging', () => {
    const wrapped = fail('INTERNAL', 'outer', { cause: new Error('inner') })
    expect(renderError(wrapped)).not.toContain('inner')
    expect(renderError(wrapped, { columns: 80, colors: PLAIN_COLORS, debug: true })).toMatch(
      /caused by: inner\n {4}at /,
    )
  })

  test('can be coloured', () => {
    const text = renderError(error, { columns: 60, colors: chooseColors(true, {}) })
    expect(text.startsWith('\x1b[31merror:\x1b[0m no such')).toBe(true)
  })

  test.each([
    [fail('CANCELED', 'x'), 130],
    [fail('BLOB_NOT_FOUND', 'x'), 1],
    [fail('BLOB_NOT_FOUND', 'x', { data: { exitCode: 127 } }), 127],
    [new Error('x'), 1],
    ['x', 1],
  ])('%s exits with %i', (thrown, code) => {
    expect(exitCodeOf(thrown)).toBe(code)
  })
})

test('BUILDKIT_COLORS changes colours, and nonsense in it does not', () => {
  const colors = chooseColors(true, {
    BUILDKIT_COLORS: 'run=light-green:error=255,0,86:warning=nope:cancel=1,2:x=red:run',
  })
  expect(colors).toMatchObject({ run: '92', error: '38;5;198', warning: '33', cancel: '33' })
  expect(chooseColors(false, { BUILDKIT_COLORS: 'run=red' })).toBe(PLAIN_COLORS)
})
