import fc from 'fast-check'
import { expect, test } from 'vitest'
import { createMask } from './mask.ts'

/** What a mask lets through of chunks. */
function masked(secrets: string[], ...chunks: string[]): string {
  const mask = createMask(secrets.map((secret) => Buffer.from(secret)))
  return chunks.map((chunk) => mask.next(Buffer.from(chunk)).toString()).join('') + mask.end().toString()
}

test.each([
  [['abcdef'], ['x abcdef y'], 'x **** y'],
  [['abcdef\n'], ['abcdefabcdef'], '********'],
  [['abcdef'], ['x abc', 'def y'], 'x **** y'],
  [['abcdef'], ['a', 'b', 'c', 'd', 'e', 'f'], '****'],
  [['abcdef'], ['abc', 'abcdef'], 'abc****'],
  [['abcdef'], ['abcde'], 'abcde'],
  [['abcd', 'abcdef'], ['abcdef'], '****'],
  [['two\nlines'], ['x two\nli', 'nes'], 'x ****'],
  [['abc'], ['abc'], 'abc'],
  [[''], ['x'], 'x'],
])('%j in %j', (secrets, chunks, expected) => {
  expect(masked(secrets, ...chunks)).toBe(expected)
})

test('output without secrets passes at once', () => {
  const mask = createMask([Buffer.from('abcdef')])
  expect(mask.next(Buffer.from('hello\n')).toString()).toBe('hello\n')
})

test('a secret never gets through, however output is cut', () => {
  const cuts = fc.array(fc.nat(60), { maxLength: 8 })
  fc.assert(
    fc.property(fc.string({ maxLength: 20 }), fc.string({ maxLength: 20 }), cuts, (before, after, at) => {
      const text = `${before}aabaabaac${after}aabaab`
      const bounds = [0, ...at.map((cut) => Math.min(cut, text.length)).sort((a, b) => a - b), text.length]
      const chunks = bounds.slice(1).map((end, index) => text.slice(bounds[index], end))
      const out = masked(['aabaabaac'], ...chunks)
      return !out.includes('aabaabaac') && out === text.replaceAll('aabaabaac', '****')
    }),
  )
})
