import { expect, test } from 'vitest'
import { formatAmount, formatSpan, parseAmount, parseSpan } from './quantities.ts'

test.each([
  ['0s', 0],
  ['250ms', 250],
  ['90s', 90_000],
  ['30m', 1_800_000],
  ['24h', 86_400_000],
  ['7d', 604_800_000],
  ['2w', 1_209_600_000],
  ['7', undefined],
  ['7 d', undefined],
  ['-1h', undefined],
  ['1e9h', undefined],
])('span %s', (text, expected) => {
  expect(parseSpan(text)).toBe(expected)
})

test.each([
  ['0', 0],
  ['1024', 1024],
  ['500B', 500],
  ['1kB', 1000],
  ['1KiB', 1024],
  ['1.5GB', 1_500_000_000],
  ['10GiB', 10 * 1024 ** 3],
  ['2T', 2e12],
  ['', undefined],
  ['1XB', undefined],
  ['-5MB', undefined],
])('amount %s', (text, expected) => {
  expect(parseAmount(text)).toBe(expected)
})

test('amounts and spans for people', () => {
  expect([0, 999, 1000, 1_234_567, 5e9].map(formatAmount)).toEqual(['0B', '999B', '1kB', '1.235MB', '5GB'])
  expect([0, 1500, 90_000, 5_400_000, 604_800_000].map(formatSpan)).toEqual(['0s', '1500ms', '90s', '90m', '1w'])
})
