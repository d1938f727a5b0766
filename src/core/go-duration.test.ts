import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, parseDuration } from './go-duration.ts'

const SECOND = 1_000_000_000

test.each([
  ['0', 0],
  ['5s', 5 * SECOND],
  ['+5s', 5 * SECOND],
  ['-1m', -60 * SECOND],
  ['1m30s', 90 * SECOND],
  ['1.5h', 5400 * SECOND],
  ['.5s', SECOND / 2],
  ['1.s', SECOND],
  ['100ms', 100_000_000],
  ['2us3ns', 2003],
  ['1\u00b5s', 1000],
  ['1\u03bcs', 1000],
  ['1.9999999999999999999s', 1_999_999_999],
  ['9223372036854775807ns', 2 ** 63],
  ['-9223372036854775808ns', -(2 ** 63)],
])('%s', (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds)
})

test.each([
  ['', 'time: invalid duration ""'],
  ['-', 'time: invalid duration "-"'],
  ['x', 'time: invalid duration "x"'],
  ['.s', 'time: invalid duration ".s"'],
  ['5', 'time: missing unit in duration "5"'],
  ['1s5', 'time: missing unit in duration "1s5"'],
  ['1.5.5s', 'time: missing unit in duration "1.5.5s"'],
  ['5x', 'time: unknown unit "x" in duration "5x"'],
  ['5 s', 'time: unknown unit " s" in duration "5 s"'],
  ['5constructor', 'time: unknown unit "constructor" in duration "5constructor"'],
  ['9223372036854775808ns', 'time: invalid duration "9223372036854775808ns"'],
  ['99999999h', 'time: invalid duration "99999999h"'],
])('%j is refused', (text, message) => {
  expect(() => parseDuration(text)).toThrow(expect.objectContaining({ code: 'DURATION_INVALID', message }))
})

test.each([
  [0, '0s'],
  [1, '1ns'],
  [1500, '1.5\u00b5s'],
  [100_000_000, '100ms'],
  [1.5 * SECOND, '1.5s'],
  [90 * SECOND, '1m30s'],
  [3600 * SECOND, '1h0m0s'],
  [-5401.25 * SECOND, '-1h30m1.25s'],
])('%d is printed as %s', (nanoseconds, text) => {
  expect(formatDuration(nanoseconds)).toBe(text)
})

test('what is printed is read back', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), (nanoseconds) => {
      expect(parseDuration(formatDuration(nanoseconds))).toBe(nanoseconds)
    }),
  )
})
