import { existsSync, readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { bytesOf, digestOf } from '../core/index.ts'
import { directory, file, hardlink, symlink } from './entries.suite.ts'
import { openFileTree } from './file-tree.ts'
import { bytes, listTree, TestStore } from './fixture.suite.ts'
import { importLayer } from './import.ts'
import { indexLayer } from './index-layer.ts'
import type { LayerLimits } from './limits.ts'
import { archive, base256, forge, forgeHeader, forgePax, padded } from './tar/forge.suite.ts'

describe('what an import gives', () => {
  const tar = archive(
    directory('d/'),
    file('d/f', 'hello'),
    hardlink('d/g', 'd/f'),
    forge({ name: 'big' }, 'x'.repeat(2000)),
  )

  test.each([
    ['none', tar],
    ['gzip', zlib.gzipSync(tar)],
    ['zstd', zlib.zstdCompressSync(tar)],
  ] as const)('%s: digests, sizes, the archive and its index', async (compression, packed) => {
    const store = new TestStore()
    const files = store.files()
    const layer = await importLayer(bytesOf(packed), files, { task: 't', total: packed.length }, store.job)
    expect(layer).toEqual({
      diffId: digestOf(tar),
      size: tar.length,
      entries: 4,
      contentBytes: 2005,
      needsParent: false,
      compression,
      compressed: { digest: digestOf(packed), size: packed.length },
    })
    expect(readFileSync(files.tar).equals(tar)).toBe(true)
    const opened = store.open(files, layer.diffId)
    expect(opened).toMatchObject({
      size: tar.length,
      entries: 4,
      contentBytes: 2005,
      needsParent: false,
      opaque: false,
    })
    expect(opened.devices).toEqual([{ diffId: layer.diffId, path: files.tar }])
    expect(await listTree(openFileTree([opened]))).toEqual({
      big: `file ${'x'.repeat(2000)}`,
      d: 'directory',
      'd/f': 'file hello',
      'd/g': 'file hello',
    })
    expect(store.events.at(-1)).toEqual({ type: 'bytes', task: 't', done: packed.length, total: packed.length })
  })

  test('no bytes at all are an empty layer', async () => {
    const layer = await new TestStore().add(Buffer.alloc(0))
    expect(layer).toMatchObject({ entries: 0, contentBytes: 0, size: 0 })
    expect(await listTree(openFileTree([layer]))).toEqual({})
  })

  test('the index is the same when it is made again, with and without the digest known', async () => {
    const store = new TestStore()
    const files = store.files()
    const { diffId } = await importLayer(bytesOf(tar.subarray(0, 700), tar.subarray(700)), files)
    const [first, again, quick] = [readFileSync(files.index), `${files.index}.2`, `${files.index}.3`]
    const summary = await indexLayer(files.tar, again)
    expect(summary).toMatchObject({ diffId, entries: 4, contentBytes: 2005 })
    expect(await indexLayer(files.tar, quick, { diffId })).toEqual(summary)
    expect(readFileSync(again).equals(first)).toBe(true)
    expect(readFileSync(quick).equals(first)).toBe(true)
  })

  test('large files are skipped when the digest is known', async () => {
    const store = new TestStore()
    const files = store.files()
    const large = archive(file('a', 'x'.repeat(3 << 20)), file('b', 'y'.repeat(100)), file('c', 'z'.repeat(5 << 20)))
    const { diffId } = await importLayer(bytesOf(large), files)
    await indexLayer(files.tar, `${files.index}.2`, { diffId })
    expect(readFileSync(`${files.index}.2`).equals(readFileSync(files.index))).toBe(true)
  })
})

describe('a failed import leaves nothing behind', () => {
  const body = file('f', 'x'.repeat(5000))
  const packed = zlib.gzipSync(archive(body))
  test.each([
    ['a cut body', body.subarray(0, 3000), 'TAR_INVALID'],
    ['a cut gzip', packed.subarray(0, 40), 'COMPRESSION_INVALID'],
    ['garbage behind gzip', Buffer.concat([packed, Buffer.from('GARBAGE')]), 'COMPRESSION_INVALID'],
    ['no tar', Buffer.from('<html>'.repeat(200)), 'TAR_INVALID'],
    ['a refused entry', archive(file('../x')), 'LAYER_ENTRY_REFUSED'],
  ])('%s', async (_what, content, code) => {
    const files = new TestStore().files()
    await expect(importLayer(bytesOf(content), files)).rejects.toMatchObject({ code })
    expect([existsSync(files.tar), existsSync(files.index)]).toEqual([false, false])
  })

  test('a source that fails, and a job that is canceled', async () => {
    const files = new TestStore().files()
    const failing = (async function* () {
      yield body
      throw new Error('network')
    })()
    await expect(importLayer(failing, files)).rejects.toThrow('network')
    const job = { progress: () => {}, signal: AbortSignal.abort() }
    await expect(importLayer(bytesOf(body), files, {}, job)).rejects.toMatchObject({ code: 'CANCELED' })
    expect([existsSync(files.tar), existsSync(files.index)]).toEqual([false, false])
  })
})

describe('what a layer may hold', () => {
  test('devices, FIFOs, owners and times', async () => {
    const tree = await new TestStore().tree(
      archive(
        forge({ name: 'fifo', flag: '6', mode: 0o622 }),
        forge({ name: 'null', flag: '3', major: 1, minor: 3 }),
        forge({ name: 'blk', flag: '4', major: 7, minor: 70000 }),
        forge({ name: 'zero', flag: '4', major: 0, minor: 0 }),
        forge({ name: 'owner', uid: base256(2n ** 31n + 1n, 8), gid: base256(2n ** 32n - 2n, 8), mode: 0o6755 }),
        forgePax({ mtime: '-1.5' }),
        file('old'),
        forgePax({ mtime: '32503680000.123456789' }),
        file('future'),
      ),
    )
    expect(tree.stat(bytes('fifo'))).toMatchObject({ kind: 'fifo', mode: 0o622 })
    expect(tree.stat(bytes('null'))).toMatchObject({ kind: 'char', device: { major: 1, minor: 3 } })
    expect(tree.stat(bytes('blk'))).toMatchObject({ kind: 'block', device: { major: 7, minor: 70000 } })
    expect(tree.stat(bytes('zero'))).toMatchObject({ kind: 'block', device: { major: 0, minor: 0 } })
    expect(tree.stat(bytes('owner'))).toMatchObject({ uid: 2 ** 31 + 1, gid: 2 ** 32 - 2, mode: 0o6755 })
    expect(tree.stat(bytes('old'))!.mtime).toEqual({ seconds: -2, nanoseconds: 500_000_000 })
    expect(tree.stat(bytes('future'))!.mtime).toEqual({ seconds: 32503680000, nanoseconds: 123456789 })
  })

  test('extended attributes; those of overlayfs and unknown ones are dropped with a warning', async () => {
    const store = new TestStore()
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    const acl = Buffer.from('020000000100060010000400200004000', 'hex')
    const tree = await store.tree(
      archive(
        forgePax({
          'SCHILY.xattr.security.capability': capability,
          'SCHILY.xattr.user.empty': '',
          'SCHILY.xattr.user.long': Buffer.alloc(3000, 'v'),
          'SCHILY.xattr.trusted.t': 'x',
          'SCHILY.xattr.system.posix_acl_access': acl,
          'SCHILY.xattr.trusted.overlay.opaque': 'y',
          'SCHILY.xattr.user.overlay.redirect': '/etc',
          'SCHILY.xattr.btrfs.compression': 'zlib',
          [`SCHILY.xattr.user.${'n'.repeat(300)}`]: 'x',
        }),
        file('ping', 'x', { mode: 0o4755 }),
        forgePax({ 'SCHILY.xattr.user.link': 'x', 'SCHILY.xattr.trusted.link': 'y' }),
        symlink('l', 'x'),
      ),
    )
    const xattrs = tree.stat(bytes('ping'))!.xattrs!
    expect([...xattrs.keys()].sort()).toEqual([
      'security.capability',
      'system.posix_acl_access',
      'trusted.t',
      'user.empty',
      'user.long',
    ])
    expect(xattrs.get('security.capability')).toEqual(capability)
    expect(xattrs.get('user.long')).toHaveLength(3000)
    expect([...tree.stat(bytes('l'))!.xattrs!.keys()]).toEqual(['trusted.link'])
    expect(store.warnings).toHaveLength(5)
    expect(store.warnings.join()).toMatch(
      /trusted\.overlay\.opaque.*overlayfs.*btrfs\.compression.*namespace is unknown/,
    )
  })

  test.each<[string, Buffer, string]>([
    ['a device that overlayfs takes for a whiteout', forge({ name: 'w', flag: '3' }), 'LAYER_ENTRY_REFUSED'],
    ['a device number out of range', forge({ name: 'w', flag: '3', major: 5000, minor: 1 }), 'LAYER_ENTRY_REFUSED'],
    ['an empty symlink', symlink('s', ''), 'LAYER_ENTRY_REFUSED'],
    [
      'a symlink too long to follow',
      Buffer.concat([forgePax({ linkpath: 'x'.repeat(4096) }), symlink('s', 'x')]),
      'LAYER_ENTRY_REFUSED',
    ],
    ['an owner of -1', forge({ name: 'o', uid: base256(-1n, 8) }), 'LAYER_ENTRY_REFUSED'],
    ['an owner of 2^32 - 1', forge({ name: 'o', gid: base256(2n ** 32n - 1n, 8) }), 'LAYER_ENTRY_REFUSED'],
    ['an unknown type', forge({ name: 'z', flag: 'Z' }), 'TAR_UNSUPPORTED'],
    ['a continued file', forge({ name: 'z', flag: 'M' }), 'TAR_UNSUPPORTED'],
  ])('%s is refused', async (_what, entry, code) => {
    await expect(new TestStore().add(archive(entry))).rejects.toMatchObject({ code })
  })

  test('a volume label and a global header are ignored', async () => {
    const store = new TestStore()
    const layer = await store.add(
      archive(forge({ name: 'label', flag: 'V' }), forgePax({ path: '../x' }, 'g'), file('f')),
    )
    expect(layer.entries).toBe(1)
    expect(Object.keys(await listTree(openFileTree([layer])))).toEqual(['f'])
  })

  test('names that differ in case or in Unicode form only', async () => {
    const names = ['README', 'readme', 'cafe\xcc\x81', 'caf\xc3\xa9']
    const tree = await new TestStore().tree(archive(...names.map((name) => file(name))))
    expect(Object.keys(await listTree(tree)).sort()).toEqual([...names].sort())
  })
})

describe('limits', () => {
  const many = archive(...Array.from({ length: 20 }, (_, i) => file(`f${i}`, '')))
  test.each<[Partial<LayerLimits>, Buffer, string]>([
    [{ entries: 10 }, many, 'f10'],
    [{ entries: 3 }, archive(file('a/b/c/d')), 'a/b/c/d'],
    [{ pathBytes: 9 }, archive(file('1234567890')), '1234567890'],
    [{ depth: 2 }, archive(file('a/b/c/d')), 'a/b/c/d'],
    [
      { metadataBytes: 3000 },
      archive(symlink('a', 'x'), Buffer.concat([forgePax({ linkpath: 'y'.repeat(3000) }), symlink('b', 'x')])),
      'b',
    ],
    [{ metadataBytes: 3000 }, archive(forgePax({ 'SCHILY.xattr.user.a': 'y'.repeat(3000) }), file('c')), 'c'],
    [{ bytes: 4000 }, archive(forgePax({ 'GNU.sparse.map': '0,1', 'GNU.sparse.size': '5000' }), file('s', 'x')), 's'],
  ])('%o says which entry', async (limits, tar, entry) => {
    await expect(new TestStore().add(tar, { limits })).rejects.toMatchObject({
      code: 'LAYER_LIMIT_EXCEEDED',
      data: { limit: Object.keys(limits)[0], entry },
    })
  })

  test('a gzip bomb stops at the limit', async () => {
    const bomb = zlib.gzipSync(archive(file('bomb', '\0'.repeat(8 << 20))))
    expect(bomb.length).toBeLessThan(20_000)
    await expect(new TestStore().add(bomb, { limits: { bytes: 4 << 20 } })).rejects.toMatchObject({
      code: 'LAYER_LIMIT_EXCEEDED',
    })
  })

  test('growing 200 times is worth a warning', async () => {
    const store = new TestStore()
    await store.add(
      zlib.gzipSync(Buffer.concat([forgeHeader({ name: 'big', size: 80 << 20 }), Buffer.alloc(80 << 20)])),
    )
    expect(store.warnings).toHaveLength(1)
    expect(store.warnings[0]).toMatch(/more than 200 times/)
  })

  test('a sparse file of a terabyte is refused by its size, one of 2 GiB stays sparse', async () => {
    const sparse = (size: number) =>
      archive(
        forgePax({
          'GNU.sparse.major': '1',
          'GNU.sparse.minor': '0',
          'GNU.sparse.name': 's',
          'GNU.sparse.realsize': String(size),
        }),
        forge({ name: 'x' }, padded('0\n')),
      )
    await expect(new TestStore().add(sparse(2 ** 40))).rejects.toMatchObject({ data: { limit: 'bytes' } })
    const layer = await new TestStore().add(sparse(2 ** 31))
    expect(layer).toMatchObject({ contentBytes: 2 ** 31, size: 3072 })
  })
})

test('long paths through many symlinks, again and again, are given up on', async () => {
  const deep = Array(1000).fill('d').join('/')
  const climb = `${'../'.repeat(700)}${'d/'.repeat(700)}`
  const links = Array.from({ length: 30 }, (_, i) =>
    forgePax({ linkpath: i === 0 ? `/${deep}` : `/l${i - 1}/${climb}` }),
  )
  const tar = archive(
    forgePax({ path: `${deep}/f` }),
    file('x'),
    ...links.flatMap((link, i) => [link, symlink(`l${i}`, 'x')]),
    ...Array.from({ length: 2000 }, (_, i) => file(`l29/e/${i % 2}/${i}`, '')),
  )
  await expect(new TestStore().add(tar)).rejects.toThrow(/too many directories on the way/)
})

test('a short name at the end of a long path does not keep the path in memory', async () => {
  const before = process.memoryUsage().heapUsed
  const long = 'long-directory-name/'.repeat(200)
  const tar = Buffer.concat(
    Array.from({ length: 10_000 }, (_, i) => forge({ name: 'L', flag: 'L' }, `${long}file-with-number-${i}\0`)).flatMap(
      (head) => [head, file('x', '')],
    ),
  )
  const layer = await new TestStore().add(tar)
  expect(layer.entries).toBe(10_000)
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(30 << 20)
})
