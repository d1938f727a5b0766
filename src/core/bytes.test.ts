import { expect, test } from 'vitest'
import { asBuffer, bytesOf, collectBytes } from './bytes.ts'

const tooLong = (): Error => new Error('too long')

test('collects all chunks, up to a limit', async () => {
  const chunks = [Buffer.from('ab'), Buffer.from('cd')]
  expect((await collectBytes(bytesOf(...chunks), 4, tooLong)).toString()).toBe('abcd')
  await expect(collectBytes(bytesOf(...chunks), 3, tooLong)).rejects.toThrow('too long')
})

test('a stream that is too long is closed, not read to its end', async () => {
  const said: string[] = []
  async function* endless() {
    try {
      for (;;) yield Buffer.alloc(10)
    } finally {
      said.push('closed')
    }
  }
  await expect(collectBytes(endless(), 100, tooLong)).rejects.toThrow('too long')
  expect(said).toEqual(['closed'])
})

test('a chunk as a buffer is the same memory', () => {
  const chunk = new Uint8Array([1, 2, 3, 4]).subarray(1, 3)
  const buffer = asBuffer(chunk)
  buffer[0] = 9
  expect([...chunk]).toEqual([9, 3])
  expect(asBuffer(buffer)).toBe(buffer)
})
