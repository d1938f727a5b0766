import { expect, test } from 'vitest'
import { parseMemorySize } from './memory-size.ts'

test.each([
  ['0', 0],
  ['512', 512],
  ['512b', 512],
  ['64m', 64 * 1024 ** 2],
  ['64M', 64 * 1024 ** 2],
  ['64 MB', 64 * 1024 ** 2],
  ['1.5GiB', 1.5 * 1024 ** 3],
  ['.5k', 512],
  ['1.0001k', 1024],
  ['2t', 2 * 1024 ** 4],
  ['1p', 1024 ** 5],
])('%s', (text, bytes) => {
  expect(parseMemorySize(text)).toBe(bytes)
})

test.each(['', 'm', '-1', '1x', '1mm', '1bb', '1kibb', '1  k', '0x10', '1e3', '.', 'NaN'])('%j is no size', (text) => {
  expect(parseMemorySize(text)).toBeUndefined()
})
