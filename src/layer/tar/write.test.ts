import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type ByteString, bytesOf, collectBytes } from '../../core/index.ts'
import { encodeTarHeader, type TarInput } from './encode.ts'
import { readTar } from './read.ts'
import { writeTar } from './write.ts'

const plain = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }
const name = (text: string): ByteString => text as ByteString
const collect = (bytes: AsyncIterable<Uint8Array>) => collectBytes(bytes, 1 << 26, () => new Error('too long'))

async function write(entries: (TarInput & { content?: string })[]): Promise<Buffer> {
  return collect(
    writeTar(
      entries.map(({ content, ...entry }) =>
        content === undefined
          ? { entry }
          : { entry: { ...entry, size: content.length }, body: bytesOf(Buffer.from(content, 'latin1')) },
      ),
    ),
  )
}

async function readBack(tar: Buffer): Promise<(TarInput & { content: string })[]> {
  const found: (TarInput & { content: string })[] = []
  for await (const { entry, body } of readTar(bytesOf(tar))) {
    found.push({ ...entry, content: (await collect(body)).toString('latin1') })
  }
  return found
}

const hasGnuTar = (() => {
  try {
    return execFileSync('tar', ['--version'], { encoding: 'utf8' }).includes('GNU tar')
  } catch {
    return false
  }
})()

describe('what fits into ustar has no PAX header', () => {
  test.each<[string, Partial<TarInput>, number]>([
    ['100 bytes', { name: name('n'.repeat(100)) }, 512],
    ['101 bytes without a slash', { name: name('n'.repeat(101)) }, 1536],
    ['a prefix of 155 and a name of 100', { name: name(`${'p'.repeat(155)}/${'n'.repeat(100)}`) }, 512],
    ['a prefix of 156', { name: name(`${'p'.repeat(156)}/${'n'.repeat(99)}`) }, 1536],
    ['raw bytes', { name: name('\xff\xfe') }, 512],
    ['a link of 100 bytes', { type: 'symlink', link: name('l'.repeat(100)) }, 512],
    ['a link of 101 bytes', { type: 'symlink', link: name('l'.repeat(101)) }, 1536],
    ['uid 2097151', { uid: 0o7777777 }, 512],
    ['uid 2097152', { uid: 0o10000000 }, 1536],
    ['gid 4294967294', { gid: 4_294_967_294 }, 1536],
    ['8 GiB less a byte', { size: 2 ** 33 - 1 }, 512],
    ['8 GiB', { size: 2 ** 33 }, 1536],
    ['nanoseconds', { mtime: { seconds: 1, nanoseconds: 5 } }, 1536],
    ['before 1970', { mtime: { seconds: -1, nanoseconds: 0 } }, 1536],
    ['an attribute', { xattrs: new Map([['user.a', Buffer.from('b')]]) }, 1536],
  ])('%s', (_what, fields, length) => {
    expect(encodeTarHeader({ name: name('x'), type: 'file', ...plain, ...fields })).toHaveLength(length)
  })
})

const bytes = (min: number, max: number) =>
  fc.string({
    unit: fc.integer({ min: 1, max: 255 }).map((c) => String.fromCharCode(c)),
    minLength: min,
    maxLength: max,
  })
// A name of a file must not end in a slash: v7 readers would take it for a directory.
const pathName = bytes(1, 300).map((text) => name(`${text.replace(/\/+$/, '')}.`))

const anyEntry: fc.Arbitrary<TarInput & { content: string }> = fc
  .record({
    name: pathName,
    type: fc.constantFrom('file', 'directory', 'symlink', 'hardlink', 'char', 'block', 'fifo') as fc.Arbitrary<
      TarInput['type']
    >,
    mode: fc.nat(0o7777),
    uid: fc.nat(4_294_967_294),
    gid: fc.nat(4_294_967_294),
    mtime: fc.record({
      seconds: fc.integer({ min: -(2 ** 40), max: 2 ** 40 }),
      nanoseconds: fc.oneof(fc.constant(0), fc.nat(999_999_999)),
    }),
    link: pathName,
    device: fc.record({ major: fc.nat(4095), minor: fc.nat(0xfffff) }),
    xattrs: fc.dictionary(
      fc.constantFrom('user.a', 'security.capability', 'trusted.z'),
      fc.uint8Array({ maxLength: 600 }).map((value) => Buffer.from(value)),
    ),
    content: bytes(0, 1500),
  })
  .map(({ xattrs, ...entry }) => ({
    ...entry,
    content: entry.type === 'file' ? entry.content : '',
    xattrs: new Map(Object.entries(xattrs)),
  }))

test('any entries read back as they were written', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyEntry, { maxLength: 5 }), async (entries) => {
      const back = await readBack(await write(entries))
      const expected = entries.map((entry) => ({
        ...entry,
        name: entry.type === 'directory' ? `${entry.name}/` : entry.name,
        size: entry.content.length,
        xattrs: entry.xattrs!.size > 0 ? entry.xattrs : undefined,
        device: entry.type === 'char' || entry.type === 'block' ? entry.device : { major: 0, minor: 0 },
      }))
      expect(back).toMatchObject(expected)
    }),
    { numRuns: 300 },
  )
})

test.skipIf(!hasGnuTar)('GNU tar reads what is written', async () => {
  const tar = await write([
    { ...plain, name: name('dir'), type: 'directory', mode: 0o1755 },
    { ...plain, name: name(`${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}`), type: 'file', content: 'long' },
    { ...plain, name: name('owner'), type: 'file', uid: 3_000_000_000, gid: 5, content: '' },
    { ...plain, name: name('link'), type: 'symlink', link: name('x'.repeat(120)) },
    { ...plain, name: name('hard'), type: 'hardlink', link: name('owner') },
    { ...plain, name: name('old'), type: 'file', mtime: { seconds: -2, nanoseconds: 0 }, content: 'x' },
    { ...plain, name: name('dev'), type: 'block', device: { major: 8, minor: 70000 } },
  ])
  const listing = execFileSync('tar', ['--full-time', '--numeric-owner', '--utc', '-tvf', '-'], {
    input: tar,
    encoding: 'utf8',
  })
  const lines = listing
    .trim()
    .split('\n')
    .map((line) => line.replace(/ +/g, ' '))
  expect(lines).toEqual([
    'drwxr-xr-t 0/0 0 1970-01-01 00:00:00 dir/',
    `-rw-r--r-- 0/0 4 1970-01-01 00:00:00 ${'d'.repeat(90)}/${'e'.repeat(90)}/${'f'.repeat(90)}`,
    '-rw-r--r-- 3000000000/5 0 1970-01-01 00:00:00 owner',
    `lrw-r--r-- 0/0 0 1970-01-01 00:00:00 link -> ${'x'.repeat(120)}`,
    'hrw-r--r-- 0/0 0 1970-01-01 00:00:00 hard link to owner',
    '-rw-r--r-- 0/0 1 1969-12-31 23:59:58 old',
    'brw-r--r-- 0/0 8,70000 1970-01-01 00:00:00 dev',
  ])
})

test.each([
  ['short', 'abcd'],
  ['long', 'abcdef'],
])('content that is too %s is refused', async (_what, content) => {
  const entry: TarInput = { ...plain, name: name('f'), type: 'file', size: 5 }
  const tar = collect(writeTar([{ entry, body: bytesOf(Buffer.from(content)) }]))
  await expect(tar).rejects.toMatchObject({ code: 'TAR_INVALID', message: expect.stringContaining('"f"') })
})
