import fc from 'fast-check'
import { expect, test } from 'vitest'
import { jsonErrorOffset } from './json-error.ts'

test.each([
  ['{"a": 1,}', 8],
  ['{broken', 1],
  ['{"a" 1}', 5],
  ['[1, 2', 5],
  ['', 0],
  ['{"a": "x\ny"}', 6],
  ['{"a": 01}', 7],
  ['[1] 2', 4],
  ['{"a": [1}', 8],
  ['{a: 1}', 1],
  ['[,]', 1],
])('%j stops being JSON at %i', (text, offset) => {
  expect(jsonErrorOffset(text)).toBe(offset)
})

test('what is JSON has no error', () => {
  fc.assert(fc.property(fc.json(), (text) => jsonErrorOffset(text) === undefined))
})

test('it agrees with the parser on texts with one character changed', () => {
  const text = fc.tuple(fc.json(), fc.nat(), fc.constantFrom(...'{}[]",:01ea- \n')).map(([json, at, character]) => {
    const index = at % (json.length + 1)
    return json.slice(0, index) + character + json.slice(index + 1)
  })
  fc.assert(fc.property(text, (each) => (jsonErrorOffset(each) === undefined) === parses(each)))
})

function parses(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
