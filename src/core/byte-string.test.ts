import fc from 'fast-check'
import { expect, test } from 'vitest'
import { byteStringFromBuffer, byteStringToBuffer, fromByteString, toByteString } from './byte-string.ts'

test('text is the UTF-8 bytes that a Linux path holds', () => {
  expect(toByteString('plain')).toBe('plain')
  expect(toByteString('é')).toBe('\xc3\xa9')
  expect(fromByteString(toByteString('é 漢 🚢'))).toBe('é 漢 🚢')
})

test('what is not UTF-8 shows as a replacement, and its bytes survive', () => {
  const name = byteStringFromBuffer(Buffer.from([0x61, 0xff, 0x62]))
  expect(fromByteString(name)).toBe('a�b')
  expect([...byteStringToBuffer(name)]).toEqual([0x61, 0xff, 0x62])
})

test('any bytes come back, any text comes back', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect([...byteStringToBuffer(byteStringFromBuffer(Buffer.from(bytes)))]).toEqual([...bytes])
    }),
  )
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => fromByteString(toByteString(text)) === text))
})

test('sorts as the bytes do', () => {
  fc.assert(
    fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
      const [x, y] = [byteStringFromBuffer(Buffer.from(a)), byteStringFromBuffer(Buffer.from(b))]
      expect(x < y ? -1 : x > y ? 1 : 0).toBe(Buffer.compare(a, b))
    }),
  )
})

test('a part of a buffer', () => {
  expect(byteStringFromBuffer(Buffer.from('abcdef'), 1, 3)).toBe('bc')
})
