import { expect, test } from 'vitest'
import { parseJson } from './json.ts'

const limits = { what: 'manifest', maxBytes: 1000 }
const parse = (text: string) => parseJson(Buffer.from(text), limits)

test('ordinary documents', () => {
  expect(parse('{"a":[1,"x",null,true]}')).toEqual({ a: [1, 'x', null, true] })
})

test('a key named __proto__ is an ordinary key', () => {
  const value = parse('{"__proto__":{"polluted":1}}') as Record<string, unknown>
  expect(Object.keys(value)).toEqual(['__proto__'])
  expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
})

test('integers beyond 2^53 survive writing', () => {
  expect(JSON.stringify(parse('{"n":12345678901234567890,"m":-1,"f":1.5}'))).toBe(
    '{"n":12345678901234567890,"m":-1,"f":1.5}',
  )
})

test.each([
  ['too large', `"${'x'.repeat(1000)}"`, /larger than 1000 bytes/],
  ['too deep', '['.repeat(100) + ']'.repeat(100), /nested deeper than 64/],
  ['not JSON', '{"a":}', /manifest is not valid JSON/],
  ['not UTF-8', '\xff', /not valid JSON/],
])('%s', (_name, text, message) => {
  expect(() => parseJson(Buffer.from(text, 'latin1'), limits)).toThrow(message)
})

test('brackets inside strings do not count as depth', () => {
  expect(parse(`"${'[\\"'.repeat(100)}"`)).toHaveLength(200)
})
