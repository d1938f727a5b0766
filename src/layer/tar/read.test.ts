import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesOf } from '../../core/index.ts'
import type { LayerLimits } from '../limits.ts'
import { archive, base256, type Forged, forge, forgeHeader, forgePax, padded } from './forge.suite.ts'
import { readTar } from './read.ts'
import { oldGnu, read } from './read-all.suite.ts'

const names = async (tar: Buffer): Promise<string[]> => (await read(tar)).map((entry) => entry.name)

describe('formats', () => {
  test('ustar: prefix, types, numbers, content and its place', async () => {
    const tar = archive(
      forge({ name: 'f', prefix: 'some/dir', mode: 0o4755, uid: 7, gid: 8, mtime: 99 }, 'hello'),
      forge({ name: 'd/', flag: '5', mode: 0o1777 }),
      forge({ name: 's', flag: '2', link: '../x' }),
      forge({ name: 'h', flag: '1', link: 'some/dir/f' }),
      forge({ name: 'c', flag: '3', major: 1, minor: 3 }),
      forge({ name: 'b', flag: '4', major: 8, minor: 17 }),
      forge({ name: 'p', flag: '6' }),
      forge({ name: '7', flag: '7' }, 'contiguous'),
    )
    const entries = await read(tar)
    expect(entries.map((e) => [e.name, e.type])).toEqual([
      ['some/dir/f', 'file'],
      ['d/', 'directory'],
      ['s', 'symlink'],
      ['h', 'hardlink'],
      ['c', 'char'],
      ['b', 'block'],
      ['p', 'fifo'],
      ['7', 'file'],
    ])
    expect(entries[0]).toMatchObject({ mode: 0o4755, uid: 7, gid: 8, content: 'hello', size: 5, offset: 512 })
    expect(entries[0]!.mtime).toEqual({ seconds: 99, nanoseconds: 0 })
    expect(entries[1]!.mode).toBe(0o1777)
    expect(entries[2]!.link).toBe('../x')
    expect(entries[4]!.device).toEqual({ major: 1, minor: 3 })
    expect(entries[7]!.content).toBe('contiguous')
  })

  test('v7: no magic, so no prefix; a NUL type with a slash is a directory', async () => {
    const tar = archive(
      forge({ name: 'd/', flag: '\0', magic: '', prefix: 'rubbish' }),
      forge({ name: 'f', flag: '\0', magic: '' }, 'x'),
    )
    expect((await read(tar)).map((e) => [e.name, e.type])).toEqual([
      ['d/', 'directory'],
      ['f', 'file'],
    ])
  })

  test('GNU: long names, times where ustar has the prefix, base-256 numbers', async () => {
    const long = `${'l'.repeat(150)}/${'n'.repeat(150)}`
    const gnu = 'ustar  \0'
    const tar = archive(
      forge({ name: '././@LongLink', flag: 'L', magic: gnu }, `${long}\0`),
      forge({ name: '././@LongLink', flag: 'K', magic: gnu }, `${long}-target\0`),
      forge({ name: 'cut', flag: '2', link: 'cut', magic: gnu, prefix: '01234567012\x0001234567012\0' }),
      forge({ name: 'big', magic: gnu, uid: base256(4_000_000_000n, 8), mtime: base256(-5n, 12) }),
    )
    const [link, big] = await read(tar)
    expect(link).toMatchObject({ name: long, link: `${long}-target` })
    expect(big).toMatchObject({ name: 'big', uid: 4_000_000_000, mtime: { seconds: -5 } })
  })

  test('a prefix in a GNU header, as Go wrote before 1.8', async () => {
    expect(await names(archive(forge({ name: 'f', prefix: 'a/long/dir', magic: 'ustar  \0' })))).toEqual([
      'a/long/dir/f',
    ])
  })

  test('PAX: path, linkpath, owners, size, times and extended attributes, for one entry only', async () => {
    const value = Buffer.from([1, 0, 0, 10, 61])
    const tar = archive(
      forgePax({
        path: 'caf\xc3\xa9',
        uid: '70000',
        gid: '70001',
        size: '3',
        mtime: '-1.5',
        'SCHILY.xattr.user.a': value,
      }),
      forge({ name: 'short', size: 0 }),
      padded('abc'),
      forge({ name: 'next' }),
    )
    const [first, next] = await read(tar)
    expect(first).toMatchObject({ name: 'caf\xc3\xa9', uid: 70000, gid: 70001, size: 3, content: 'abc' })
    expect(first!.mtime).toEqual({ seconds: -2, nanoseconds: 500_000_000 })
    expect([...first!.xattrs!]).toEqual([['user.a', value]])
    expect(next).toMatchObject({ name: 'next', uid: 0 })
    expect(next!.xattrs).toBeUndefined()
  })

  test('PAX: an empty value takes a record back, but an empty attribute stays', async () => {
    const [entry] = await read(archive(forgePax({ path: '', 'SCHILY.xattr.user.e': '' }), forge({ name: 'kept' })))
    expect(entry!.name).toBe('kept')
    expect(entry!.xattrs!.get('user.e')).toEqual(Buffer.alloc(0))
  })

  test('the last of several PAX headers counts', async () => {
    const tar = archive(forgePax({ path: 'one', uid: '5' }), forgePax({ path: 'two' }), forge({ name: 'x' }))
    expect(await read(tar)).toMatchObject([{ name: 'two', uid: 0 }])
  })

  test('a global PAX header says nothing about the entries', async () => {
    expect(await names(archive(forgePax({ path: '../../evil' }, 'g'), forge({ name: 'own' })))).toEqual(['own'])
  })

  test('the size that PAX gives is the size: what looks like an entry inside is content', async () => {
    const hidden = forgeHeader({ name: 'hidden' })
    const body = Buffer.concat([hidden, Buffer.alloc(512)])
    const tar = archive(
      forgePax({ size: '1024' }),
      forgeHeader({ name: 'big', size: 0 }),
      body,
      forge({ name: 'after' }),
    )
    expect(await names(tar)).toEqual(['big', 'after'])
  })

  test('links and directories have no body, whatever size they claim', async () => {
    const tar = archive(
      forge({ name: 'd', flag: '5', size: 4096 }),
      forge({ name: 'h', flag: '1', link: 'x', size: 77 }),
      forge({ name: 'f' }, 'end'),
    )
    expect((await read(tar)).map((e) => [e.name, e.size])).toEqual([
      ['d', 0],
      ['h', 0],
      ['f', 3],
    ])
  })

  test('unknown types come through with their flag', async () => {
    const tar = archive(
      forge({ name: 'label', flag: 'V' }),
      forge({ name: 'zz', flag: 'Z' }, 'body'),
      forge({ name: 'f' }),
    )
    expect((await read(tar)).map((e) => [e.type, e.flag])).toEqual([
      ['other', 'V'],
      ['other', 'Z'],
      ['file', '0'],
    ])
  })
})

describe('malformed archives', () => {
  test.each<[string, Forged, RegExp]>([
    ['a wrong checksum', { name: 'x', checksum: 1 }, /checksum/],
    ['a size that is not octal', { name: 'x', size: Buffer.from('99999999999\0') }, /not octal/],
    ['a size of 2^62', { name: 'x', size: base256(2n ** 62n, 12) }, /too large/],
    ['a negative size', { name: 'x', size: base256(-512n, 12) }, /size is negative/],
    ['a negative size of a header', { name: 'x', flag: 'x', size: base256(-512n, 12) }, /size is negative/],
  ])('%s', async (_what, fields, message) => {
    const result = read(archive(forge({ name: 'ok' }, 'fine'), forgeHeader(fields)))
    await expect(result).rejects.toMatchObject({ code: 'TAR_INVALID', message: expect.stringMatching(message) })
  })

  test.each([
    ['no length', 'path=x\n'],
    ['a length too long', '99 path=x\n'],
    ['a length too short', '5 path=x\n'],
    ['no newline', '9 path=x '],
    ['no key', '5 =x\n'],
    ['a NUL in the path', '11 path=a\0b\n'],
    ['a NUL in a key', '11 pa\0h=ab\n'],
    ['a size that is no number', '10 size=1x\n'],
    ['a negative size', '11 size=-10\n'],
    ['a size past 2^53', '26 size=99999999999999999\n'],
    ['a time that is none', '12 mtime=1z\n'],
  ])('a PAX header with %s', async (_what, body) => {
    const tar = archive(forge({ name: 'pax', flag: 'x' }, body), forge({ name: 'f' }))
    await expect(read(tar)).rejects.toMatchObject({ code: 'TAR_INVALID' })
  })

  test('cut anywhere, an archive is refused or ends between entries', async () => {
    const tar = Buffer.concat([
      forgePax({ path: 'long' }),
      forge({ name: 'a' }, 'x'.repeat(700)),
      forge({ name: 'b' }, 'y'),
    ])
    const fine = new Set<number>()
    for (let length = 0; length <= tar.length; length += 4) {
      await read(tar.subarray(0, length)).then(
        () => fine.add(length),
        (error: Error) => expect(error.message).toMatch(/unexpected EOF/),
      )
    }
    // Between entries, and anywhere in the padding behind a complete body.
    expect([...fine].filter((length) => length < 1536 + 700)).toEqual([0])
    expect(fine.has(1536 + 700)).toBe(true)
    expect(fine.has(tar.length)).toBe(true)
  })

  test('bytes behind the end mark are ignored; a lone block of zeros is refused', async () => {
    const one = forge({ name: 'one' }, '1')
    expect(await names(Buffer.concat([archive(one), forge({ name: 'ghost' })]))).toEqual(['one'])
    await expect(read(Buffer.concat([one, Buffer.alloc(512), one]))).rejects.toThrow(/single block of zeros/)
    expect(await names(Buffer.concat([one, Buffer.alloc(512)]))).toEqual(['one'])
    expect(await names(Buffer.alloc(0))).toEqual([])
  })

  test('names may be any bytes', async () => {
    const name = 'a\x1b[31m\n\r\xff\xfe'
    expect(await names(archive(forge({ name })))).toEqual([name])
  })
})

describe('limits', () => {
  const file = forge({ name: 'f' }, 'x'.repeat(600))
  test.each<[Partial<LayerLimits>, Buffer]>([
    [{ entries: 1 }, archive(file, file)],
    [{ bytes: 1000 }, archive(file)],
    [{ paxBytes: 100 }, archive(forgePax({ comment: 'c'.repeat(100) }), file)],
    [{ paxBytes: 100 }, archive(forge({ name: 'l', flag: 'L' }, 'l'.repeat(200)), file)],
    [{ xattrBytes: 20 }, archive(forgePax({ 'SCHILY.xattr.user.x': 'v'.repeat(20) }), file)],
    [{ sparseSegments: 2 }, archive(forgePax({ 'GNU.sparse.map': '0,1,2,1,4,1', 'GNU.sparse.size': '9' }), file)],
    [{ sparseSegments: 5 }, archive(oldGnu('s', 9000, [0, 1, 2, 1, 4, 1, 6, 1, 8, 1, 10, 1], 'xxxxxx'))],
  ])('%o', async (limits, tar) => {
    await expect(read(tar, limits)).rejects.toMatchObject({
      code: 'LAYER_LIMIT_EXCEEDED',
      data: { limit: Object.keys(limits)[0] },
    })
  })

  test('a body that claims 8 GiB costs no memory', async () => {
    const tar = forgeHeader({ name: 'huge', size: 2 ** 33 - 1 })
    await expect(read(tar)).rejects.toThrow(/ends inside of "huge"/)
  })
})

test('a body that is not read is skipped, and stopping early closes the source', async () => {
  let closed = false
  const tar = archive(
    forge({ name: 'a' }, 'x'.repeat(5000)),
    forge({ name: 'b' }, 'y'.repeat(5000)),
    forge({ name: 'c' }),
  )
  const source = (async function* () {
    try {
      for (let at = 0; at < tar.length; at += 700) yield tar.subarray(at, at + 700)
    } finally {
      closed = true
    }
  })()
  const seen: string[] = []
  for await (const { entry, body } of readTar(source)) {
    seen.push(entry.name)
    if (entry.name === 'a') for await (const _piece of body) break
    if (entry.name === 'b') break
  }
  expect(seen).toEqual(['a', 'b'])
  expect(closed).toBe(true)
})

test('a canceled job ends the reading', async () => {
  const signal = AbortSignal.abort()
  const members = readTar(bytesOf(archive(forge({ name: 'a' }))), {}, { progress: () => {}, signal })
  await expect(members.next()).rejects.toMatchObject({ code: 'CANCELED' })
})

test('random bytes never end in anything but an error of ours', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.nat(255), { maxLength: 60 }), fc.nat(511), fc.nat(2000), async (noise, at, where) => {
      const tar = archive(
        forgePax({ path: 'p', mtime: '1.5' }),
        forge({ name: 'a' }, 'x'.repeat(700)),
        forge({ name: 'b' }),
      )
      Buffer.from(noise).copy(tar, (where + at) % tar.length)
      await read(tar).catch((error) => expect(error.code).toMatch(/^(TAR_INVALID|LAYER_LIMIT_EXCEEDED)$/))
    }),
    { numRuns: 300 },
  )
})
