import { expect, test } from 'vitest'
import { quoteGo, quoteGoList } from './go-quote.ts'

test.each([
  ['plain', '"plain"'],
  ['', '""'],
  ['a "b" \\', '"a \\"b\\" \\\\"'],
  ['\x07\b\f\n\r\t\v', '"\\a\\b\\f\\n\\r\\t\\v"'],
  ['\0\x1f\x7f', '"\\x00\\x1f\\x7f"'],
  ['é 한 👽 €', '"é 한 👽 €"'],
  ['\u0085\u00a0\ufeff\u2028', '"\\u0085\\u00a0\\ufeff\\u2028"'],
  ['\u{e0001}', '"\\U000e0001"'],
  ['\ud800', '"\ufffd"'],
])('%j is %s', (text, quoted) => {
  expect(quoteGo(text)).toBe(quoted)
})

test('a list', () => {
  expect(quoteGoList(['/bin/sh', '-c', 'echo "x"'])).toBe('["/bin/sh" "-c" "echo \\"x\\""]')
  expect(quoteGoList([])).toBe('[]')
})

test('a character constant, and ASCII alone', () => {
  expect(quoteGo("'", { mark: "'" })).toBe("'\\''")
  expect(quoteGo('"', { mark: "'" })).toBe(`'"'`)
  expect(quoteGo('é👽', { ascii: true })).toBe('"\\u00e9\\U0001f47d"')
})
