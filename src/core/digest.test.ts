import { describe, expect, test } from 'vitest'
import { bytesOf, collectBytes } from './bytes.ts'
import { createDigester, digestOf, isDigest, parseDigest, shortId, verified } from './digest.ts'

const hello = Buffer.from('hello')
const helloDigest = 'sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
const read = (bytes: AsyncIterable<Uint8Array>) => collectBytes(bytes, 1000, () => new Error('too long'))

describe('digest grammar', () => {
  test.each([
    [helloDigest, true],
    [`sha512:${'a'.repeat(128)}`, true],
    [`sha384:${'a'.repeat(96)}`, true],
    [`sha384:${'a'.repeat(64)}`, false],
    [`sha256:${'A'.repeat(64)}`, false],
    [`sha256:${'a'.repeat(63)}`, false],
    [`sha512:${'a'.repeat(64)}`, false],
    [`md5:${'a'.repeat(32)}`, false],
    [`sha256:../../${'a'.repeat(58)}`, false],
    [`${helloDigest}\n`, false],
    [42, false],
  ])('%s is a digest: %s', (text, valid) => {
    expect(isDigest(text)).toBe(valid)
  })

  test('a bad one is refused with its text', () => {
    expect(() => parseDigest('sha256:xyz')).toThrow(/invalid digest "sha256:xyz"/)
  })
})

test('known value, whole and in pieces', () => {
  const pieces = createDigester()
  pieces.update(hello.subarray(0, 2))
  pieces.update(hello.subarray(2))
  expect(digestOf(hello)).toBe(helloDigest)
  expect(pieces.digest()).toBe(helloDigest)
  expect(digestOf('hello', 'sha512')).toMatch(/^sha512:9b71d224bd62f378/)
  expect(shortId(helloDigest)).toBe('2cf24dba5fb0')
})

describe('verified', () => {
  const expected = { digest: digestOf(hello), size: 5 }

  test('passes the right bytes on', async () => {
    expect((await read(verified(bytesOf(hello), expected))).toString()).toBe('hello')
  })

  test.each([
    ['too short', 'hell', /has 4 bytes, 5 were declared/],
    ['too long', 'hello!', /more than the declared 5 bytes/],
    ['other bytes', 'jello', /has the digest sha256:/],
  ])('fails for %s content', async (_name, text, message) => {
    await expect(read(verified(bytesOf(Buffer.from(text)), expected))).rejects.toThrow(message)
  })

  test('an endless stream is stopped at the declared size', async () => {
    const endless = (async function* () {
      for (;;) yield hello
    })()
    await expect(read(verified(endless, expected))).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
  })
})
