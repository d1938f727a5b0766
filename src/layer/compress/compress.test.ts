import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import zlib from 'node:zlib'
import fc from 'fast-check'
import { afterEach, describe, expect, test } from 'vitest'
import { bytesOf, collectBytes } from '../../core/index.ts'
import { decompress } from './decompress.ts'
import { gzip } from './gzip.ts'
import { sniffCompression } from './sniff.ts'
import { zstd } from './zstd.ts'

const collect = (bytes: AsyncIterable<Uint8Array>) => collectBytes(bytes, 1 << 28, () => new Error('too long'))
const expand = async (...chunks: Buffer[]) => {
  const { compression, bytes } = await decompress(Readable.from(chunks))
  return { compression, content: await collect(bytes) }
}
const cut = (bytes: Buffer, size: number) =>
  Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) => bytes.subarray(i * size, (i + 1) * size))
const has = (program: string): boolean => {
  try {
    execFileSync(program, ['--version'], { stdio: ['ignore', 'ignore', 'ignore'] })
    return true
  } catch {
    return false
  }
}

/** Compresses a little, and is not the same everywhere. */
function sample(size: number): Buffer {
  const noise = randomBytes(Math.ceil(size / 8)).toString('hex')
  return Buffer.from(noise.repeat(4)).subarray(0, size)
}

const path = process.env['PATH']
afterEach(() => {
  process.env['PATH'] = path
})

test.each([
  ['gzip', [0x1f, 0x8b, 8, 0]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['zstd', [0x5e, 0x2a, 0x4d, 0x18]],
  ['bzip2', [0x42, 0x5a, 0x68, 0x39]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0]],
  ['none', [0x1f, 0x8b, 7]],
  ['none', [0x1f]],
  ['none', []],
] as const)('sniff %s', (compression, head) => {
  expect(sniffCompression(Uint8Array.from(head))).toBe(compression)
})

describe('gzip', () => {
  const a = sample(300_000)
  const b = sample(200_000)
  const both = Buffer.concat([a, b])
  const members = [zlib.gzipSync(a), zlib.gzipSync(b)]

  test.each([17, 1000, 1 << 20])('members one after the other, in chunks of %i', async (size) => {
    const { compression, content } = await expand(...cut(Buffer.concat(members), size))
    expect(compression).toBe('gzip')
    expect(content.equals(both)).toBe(true)
  })

  test('zeros behind the end', async () => {
    expect((await expand(members[0]!, Buffer.alloc(100))).content.equals(a)).toBe(true)
    expect((await expand(Buffer.concat([members[0]!, Buffer.alloc(100)]), Buffer.alloc(5))).content.equals(a)).toBe(
      true,
    )
  })

  const garbage = Buffer.from('GARBAGE')
  test.each([
    ['garbage', Buffer.concat([members[0]!, garbage])],
    ['garbage behind zeros', Buffer.concat([members[0]!, Buffer.alloc(10), garbage])],
    ['half a member', Buffer.concat([members[0]!, members[1]!.subarray(0, 9)])],
    ['a cut trailer', members[0]!.subarray(0, -3)],
    ['a cut body', members[0]!.subarray(0, 1000)],
    ['a wrong checksum', Buffer.concat([members[0]!.subarray(0, -8), Buffer.alloc(4), members[0]!.subarray(-4)])],
    ['a wrong length', Buffer.concat([members[0]!.subarray(0, -4), Buffer.alloc(4)])],
    ['a damaged body', Buffer.concat([members[0]!.subarray(0, 500), garbage, members[0]!.subarray(507)])],
  ])('%s is refused', async (_what, bytes) => {
    for (const size of [1000, bytes.length]) {
      await expect(expand(...cut(bytes, size))).rejects.toMatchObject({ code: 'COMPRESSION_INVALID' })
    }
  })

  test('an error of the source comes through, and stopping early closes the source', async () => {
    let closed = 0
    const source = (fails: boolean) =>
      (async function* () {
        try {
          yield members[0]!.subarray(0, 1000)
          if (fails) throw new Error('network')
          for (;;) yield members[0]!.subarray(0, 0)
        } finally {
          closed++
        }
      })()
    await expect(collect((await decompress(source(true))).bytes)).rejects.toThrow('network')
    for await (const _chunk of (await decompress(bytesOf(...members))).bytes) break
    expect(closed).toBe(1)
  })

  test('what we make, everybody reads; it does not depend on chunks; blocks share a window', async () => {
    const content = sample(3_300_000)
    const whole = await collect(gzip(bytesOf(content)))
    const pieces = await collect(gzip(bytesOf(...cut(content, 70_001))))
    expect(pieces.equals(whole)).toBe(true)
    expect(zlib.gunzipSync(whole).equals(content)).toBe(true)
    const single = zlib.gzipSync(content, { level: 4 }).length
    expect(whole.length / single).toBeLessThan(1.005)
    if (has('gzip')) {
      execFileSync('gzip', ['-t'], { input: whole })
      expect(execFileSync('gzip', ['-dc'], { input: whole, maxBuffer: 1 << 26 }).equals(content)).toBe(true)
    }
  })

  test('levels differ, and no bytes are fine', async () => {
    const content = sample(500_000)
    const [fast, best] = [
      await collect(gzip(bytesOf(content), { level: 1 })),
      await collect(gzip(bytesOf(content), { level: 9 })),
    ]
    expect(fast.length).toBeGreaterThan(best.length)
    expect(zlib.gunzipSync(await collect(gzip(bytesOf())))).toHaveLength(0)
  })
})

describe('zstd', () => {
  const [a, b] = [sample(300_000), sample(200_000)]
  const checksum = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } }
  const skippable = Buffer.from([0x50, 0x2a, 0x4d, 0x18, 4, 0, 0, 0, 1, 2, 3, 4])
  const runLength = zlib.zstdCompressSync(Buffer.alloc(400_000, 'x'))
  const empty = zlib.zstdCompressSync(Buffer.alloc(0))
  const frames = [skippable, zlib.zstdCompressSync(a, checksum), empty, runLength, zlib.zstdCompressSync(b), skippable]
  const all = Buffer.concat([a, Buffer.alloc(400_000, 'x'), b])

  test.each([7, 777, 1 << 22])('frames one after the other, in chunks of %i', async (size) => {
    const { compression, content } = await expand(...cut(Buffer.concat(frames), size))
    expect(compression).toBe('zstd')
    expect(content.equals(all)).toBe(true)
  })

  test.each([
    ['garbage', Buffer.concat([frames[1]!, Buffer.from('GARBAGE')])],
    ['a cut frame', frames[1]!.subarray(0, -3)],
    ['a cut second frame', Buffer.concat([frames[4]!, frames[1]!.subarray(0, 100)])],
    ['a wrong checksum', Buffer.concat([frames[1]!.subarray(0, -4), Buffer.alloc(4)])],
  ])('%s is refused', async (_what, bytes) => {
    for (const size of [1000, bytes.length]) {
      await expect(expand(...cut(bytes, size))).rejects.toMatchObject({ code: 'COMPRESSION_INVALID' })
    }
  })

  test('what we make reads back and does not depend on chunks', async () => {
    const content = sample(9_000_000)
    const whole = await collect(zstd(bytesOf(content)))
    expect((await collect(zstd(bytesOf(...cut(content, 70_001))))).equals(whole)).toBe(true)
    expect((await expand(whole)).content.equals(content)).toBe(true)
    expect((await expand(await collect(zstd(bytesOf())))).content).toHaveLength(0)
    if (has('zstd')) {
      expect(execFileSync('zstd', ['-dc'], { input: whole, maxBuffer: 1 << 26 }).equals(content)).toBe(true)
    }
  })
})

describe.each([
  ['bzip2', ['-c']],
  ['xz', ['-c']],
] as const)('%s', (program, args) => {
  test.skipIf(!has(program))('is read through the program', async () => {
    const content = sample(3_000_000)
    const packed = execFileSync(program, [...args], { input: content, maxBuffer: 1 << 26 })
    const result = await expand(...cut(packed, 50_000))
    expect(result.compression).toBe(program)
    expect(result.content.equals(content)).toBe(true)
    for (const bad of [
      packed.subarray(0, -100),
      Buffer.concat([packed.subarray(0, 5000), Buffer.from('bad'), packed]),
    ]) {
      await expect(expand(bad)).rejects.toMatchObject({ code: 'COMPRESSION_INVALID' })
    }
  })

  test.skipIf(!has(program))('an error of the source ends the program', async () => {
    const packed = execFileSync(program, [...args], { input: sample(100_000) })
    const source = (async function* () {
      yield packed.subarray(0, 1000)
      throw new Error('network')
    })()
    await expect(collect((await decompress(source)).bytes)).rejects.toThrow('network')
  })

  test('without the program, the error says what to install', async () => {
    const magic = { bzip2: 'BZh9', xz: '\xfd7zXZ\0' }[program]
    process.env['PATH'] = '/nonexistent'
    await expect(expand(Buffer.from(magic, 'latin1'))).rejects.toMatchObject({
      code: 'COMPRESSION_PROGRAM_MISSING',
      hint: expect.stringContaining('install'),
    })
  })
})

test('what is not compressed passes as it is', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ maxLength: 10 }), { maxLength: 8 }), async (chunks) => {
      const plain = Buffer.concat([Buffer.from('tar'), ...chunks])
      const { compression, content } = await expand(Buffer.from('tar'), ...chunks.map((chunk) => Buffer.from(chunk)))
      expect(compression).toBe('none')
      expect(content.equals(plain)).toBe(true)
    }),
  )
})
