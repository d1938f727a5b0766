import { expect, test } from 'vitest'
import { retryAfter } from './retry-after.ts'

const now = Date.parse('Wed, 21 Oct 2015 07:28:00 GMT')

test.each<[string | undefined, number | undefined]>([
  [undefined, undefined],
  ['0', 0],
  [' 12 ', 12_000],
  ['99999', 99_999_000],
  ['Wed, 21 Oct 2015 07:28:30 GMT', 30_000],
  ['Wed, 21 Oct 2015 07:27:30 GMT', 0],
  ['-1', undefined],
  ['1.5', undefined],
  ['soon', undefined],
  ['', undefined],
])('%s', (value, expected) => {
  expect(retryAfter(value, now)).toBe(expected)
})
