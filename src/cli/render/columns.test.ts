import { expect, test } from 'vitest'
import { alignColumns } from './columns.ts'

const align = (lines: string[], options?: Parameters<typeof alignColumns>[1]): string[] =>
  alignColumns(lines.join('\n'), options).split('\n')

test('columns are at least 10 wide and 3 wider than their widest cell', () => {
  expect(align(['A\tB\tC', 'a-very-long-name\tb\tc'])).toEqual([
    'A                  B         C',
    'a-very-long-name   b         c',
  ])
})

test('a column lasts as long as consecutive lines have it', () => {
  const lines = ['aaaa\tb', 'no cell', 'cccccccc\td']
  expect(align(lines, { minimum: 0, padding: 1 })).toEqual(['aaaa b', 'no cell', 'cccccccc d'])
})

test('text after the last tab is not padded, and empty cells keep their place', () => {
  expect(align(['a\t', '\tb'], { minimum: 0, padding: 2 })).toEqual(['a  ', '   b'])
})

test('width is what the terminal shows', () => {
  expect(align(['日本\tx', 'ab\tx', 'e\u0301\tx'], { minimum: 0, padding: 1 })).toEqual([
    '日本 x',
    'ab   x',
    'e\u0301    x',
  ])
})
