import { expect, test } from 'vitest'
import { parseCsvLine } from './csv.ts'

test.each([
  ['a', ['a']],
  ['a,b=c,', ['a', 'b=c', '']],
  [',', ['', '']],
  ['"a,b",c', ['a,b', 'c']],
  ['"a""b"', ['a"b']],
  ['""', ['']],
  [' a , b ', [' a ', ' b ']],
])('%s', (line, fields) => {
  expect(parseCsvLine(line)).toEqual(fields)
})

test.each([
  ['', 'EOF'],
  ['a"b', 'parse error on line 1, column 2: bare " in non-quoted-field'],
  ['é"', 'parse error on line 1, column 3: bare " in non-quoted-field'],
  ['"a', 'parse error on line 1, column 2: extraneous or missing " in quoted-field'],
  ['"a"b', 'parse error on line 1, column 3: extraneous or missing " in quoted-field'],
  ['"a""', 'parse error on line 1, column 5: extraneous or missing " in quoted-field'],
  ['ab,"cd', 'parse error on line 1, column 5: extraneous or missing " in quoted-field'],
])('%j is refused', (line, message) => {
  expect(() => parseCsvLine(line)).toThrow(message)
})
