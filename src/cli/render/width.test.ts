import { expect, test } from 'vitest'
import { displayWidth, padWidth, takeWidth, truncateWidth } from './width.ts'

test.each([
  ['', 0],
  ['abc', 3],
  ['héllo', 5],
  ['日本語', 6],
  ['e\u0301', 1],
  ['🐳', 2],
  ['a\u200bb', 2],
  ['ｗｉｄｅ', 8],
  ['…→', 2],
])('%j takes %i columns', (text, width) => {
  expect(displayWidth(text)).toBe(width)
})

test.each([
  ['hello', 0, ''],
  ['hello', 1, 'h'],
  ['hello', 4, 'hel…'],
  ['hello', 5, 'hello'],
  ['日本語', 1, '日'],
  ['日本語', 3, '日…'],
  ['日本語', 4, '日…'],
  ['日本語', 6, '日本語'],
  ['t🐳st', 3, 't…'],
])('%j in %i columns is %j', (text, width, expected) => {
  expect(truncateWidth(text, width)).toBe(expected)
})

test('taking and padding count columns, not characters', () => {
  expect(takeWidth('a日本', 4)).toBe('a日')
  expect(takeWidth('abc', -1)).toBe('')
  expect(padWidth('日', 4)).toBe('日  ')
  expect(padWidth('abcdef', 4)).toBe('abcdef')
})
