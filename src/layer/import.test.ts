import { existsSync, readFileSync } from 'node:fs'
import zlib from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { bytesOf, digestOf } from '../core/index.ts'
import { openFileTree } from './file-tree.ts'
import { bytes, listTree, TestStore } from './fixture.suite.ts'
import { importLayer } from './import.ts'
import { indexLayer } from './index-layer.ts'
import type { LayerLimits } from './limits.ts'
import { archive, base256, forge, forgeHeader, forgePax, padded } from './tar/forge.suite.ts'

const file = (name: string, content = 'evil', more = {}) => forge({ name, ...more }, content)
const directory = (name: string, more = {}) => forge({ name, flag: '5', mode: 0o755, ...more })
const symlink = (name: string, link: string) => forge({ name, link, flag: '2' })
const hardlink = (name: string, link: string) => forge({ name, link, flag: '1' })

const base = archive(
  directory('bin'),
  directory('etc', { mode: 0o750, uid: 7 }),
  directory('data'),
  file('etc/passwd', 'root:x:0:0'),
  file('data/keep', 'keep'),
  file('data/lower', 'lower'),
)

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

describe('names', () => {
  test.each([
    ['absolute', '/etc/x', 'etc/x'],
    ['with dots', './a/./b//c', 'a/b/c'],
    ['climbing inside', 'a/b/../c', 'a/c'],
    ['any bytes', 'caf\xe9\xff\x1b[31m\n', 'caf\xe9\xff\x1b[31m\n'],
  ])('%s', async (_what, name, path) => {
    const tree = await new TestStore().tree(archive(file(name, 'x')))
    expect(await listTree(tree)).toMatchObject({ [path]: 'file x' })
  })

  test.each([
    ['../x', /out of the root/],
    ['a/b/../../../x', /out of the root/],
    ['.wh.../../../x', /out of the root/],
    ['n'.repeat(100) + 'n'.repeat(156), /too long/],
    ['sub/.wh.', /whiteout of nothing/],
    ['sub/.wh..', /whiteout of nothing/],
    ['sub/.wh...', /whiteout of nothing/],
    ['.wh.x/y', /below a whiteout/],
  ])('%s is refused', async (name, message) => {
    const tar = archive(forgePax({ path: name }), file('x'))
    await expect(new TestStore().add(tar)).rejects.toMatchObject({
      code: 'LAYER_ENTRY_REFUSED',
      message: expect.stringMatching(message),
    })
  })

  test('what stands for the root is described or ignored, never replaced', async () => {
    const store = new TestStore()
    const tree = await store.tree(
      archive(
        directory('./', { mode: 0o711, uid: 1234 }),
        symlink('.', '/etc'),
        file('', 'x'),
        hardlink('a/..', 'f'),
        file('f'),
      ),
    )
    expect(tree.stat(bytes(''))).toMatchObject({ kind: 'directory', mode: 0o711, uid: 1234, path: '' })
    expect(await listTree(tree)).toEqual({ f: 'file evil' })
    expect(store.warnings).toHaveLength(3)
    expect(store.warnings[0]).toContain('stands for the root')
  })

  test('a thousand directories deep', async () => {
    const deep = Array(1000).fill('d').join('/')
    const tree = await new TestStore().tree(archive(forgePax({ path: `${deep}/f` }), file('x', 'deep')))
    expect(tree.readFile(bytes(`${deep}/f`), 10)?.toString()).toBe('deep')
    expect([...tree.walk()]).toHaveLength(1001)
  })
})

describe('symlinks on the way are followed inside of the layer', () => {
  test.each([
    ['absolute', [symlink('esc', '/var/x'), file('esc/pwned')], 'var/x/pwned'],
    ['climbing', [directory('a'), symlink('a/esc', '../../../../var/x'), file('a/esc/pwned')], 'var/x/pwned'],
    ['relative', [symlink('a/l', '../b/c'), file('a/l/pwned')], 'b/c/pwned'],
    ['in a chain', [symlink('a', 'b'), symlink('b', 'c'), symlink('c', '/d'), file('a/pwned')], 'd/pwned'],
    ['last wins', [file('n'), directory('n'), symlink('n', '/o'), file('n/pwned')], 'o/pwned'],
    [
      'already there',
      [directory('usr/lib'), symlink('lib', 'usr/lib'), file('lib/x', 'y'), file('lib/pwned')],
      'usr/lib/pwned',
    ],
  ])('%s', async (_what, parts, path) => {
    const tree = await new TestStore().tree(archive(...parts))
    expect(await listTree(tree)).toMatchObject({ [path]: 'file evil' })
  })

  test('a loop is refused', async () => {
    const tar = archive(symlink('a', 'b'), symlink('b', 'a'), file('a/x'))
    await expect(new TestStore().add(tar)).rejects.toThrow(/too many levels of symbolic links/)
  })

  test('the last name is not followed: a directory takes the place of a symlink', async () => {
    const tree = await new TestStore().tree(archive(symlink('l', '/etc'), directory('l', { mode: 0o700 }), file('l/x')))
    expect(await listTree(tree)).toEqual({ l: 'directory', 'l/x': 'file evil' })
  })

  test('a symlink of a lower layer is not followed: the directory hides it, as in Docker', async () => {
    const tree = await new TestStore().tree(archive(symlink('esc', '/etc')), archive(file('esc/pwned')))
    expect(await listTree(tree)).toEqual({ esc: 'directory', 'esc/pwned': 'file evil' })
  })

  test('the path they lead to is limited too', async () => {
    const parts = ['d/d/d/d', 'd/d/d/d/d/d/d'].map((target, i) => symlink(`l${i}`, target))
    const tar = archive(...parts, directory('l0/x'), file('l1/x'))
    await expect(new TestStore().add(tar, { limits: { depth: 6 } })).rejects.toMatchObject({ data: { limit: 'depth' } })
    await expect(new TestStore().add(tar, { limits: { pathBytes: 14 } })).rejects.toMatchObject({
      data: { limit: 'pathBytes' },
    })
  })
})

describe('the last entry of a name counts', () => {
  test.each([
    ['file, file', [file('n', '1'), file('n', '2')], { n: 'file 2' }],
    ['directory, file', [directory('n'), file('n/x'), file('n', '2')], { n: 'file 2' }],
    ['file, directory', [file('n'), directory('n'), file('n/x')], { n: 'directory', 'n/x': 'file evil' }],
    ['file, something below it', [file('n'), file('n/x')], { n: 'directory', 'n/x': 'file evil' }],
    [
      'directory twice',
      [directory('n'), file('n/x'), directory('n', { mode: 0o700 })],
      { n: 'directory', 'n/x': 'file evil' },
    ],
    ['link, file', [file('t', 't'), hardlink('n', 't'), file('n', 'n')], { n: 'file n', t: 'file t' }],
    ['its own link', [file('n', 'n'), hardlink('n', 'n')], { n: 'file n' }],
  ])('%s', async (_what, parts, expected) => {
    expect(await listTree(await new TestStore().tree(archive(...parts)))).toEqual(expected)
  })

  test('and its attributes', async () => {
    const tree = await new TestStore().tree(
      archive(directory('n', { mode: 0o700 }), directory('n', { mode: 0o711, uid: 5 })),
    )
    expect(tree.stat(bytes('n'))).toMatchObject({ mode: 0o711, uid: 5 })
  })
})

describe('hard links', () => {
  test('are the same inode, whatever they link to', async () => {
    const tree = await new TestStore().tree(
      archive(file('f', 'x', { mode: 0o4755, uid: 9 }), hardlink('d/g', '/f'), symlink('s', 'f'), hardlink('t', 's')),
    )
    const [f, g, s, t] = ['f', 'd/g', 's', 't'].map((path) => tree.stat(bytes(path))!)
    expect(g).toMatchObject({ mode: 0o4755, uid: 9, nlink: 2, inode: f!.inode })
    expect(t).toMatchObject({ kind: 'symlink', link: 'f', nlink: 2, inode: s!.inode })
    expect(f!.inode).not.toBe(s!.inode)
  })

  test('the target may be named through a symlink of the layer', async () => {
    const tree = await new TestStore().tree(archive(file('d/f', 'x'), symlink('l', 'd'), hardlink('h', 'l/f')))
    expect(tree.stat(bytes('h'))?.inode).toBe(tree.stat(bytes('d/f'))?.inode)
  })

  test('to a file of a lower layer', async () => {
    const store = new TestStore()
    const upper = archive(hardlink('data/hl', 'data/lower'), hardlink('h2', 'data/lower'), file('own', 'own'))
    const [lower, layer] = await store.stack(base, upper)
    expect(layer).toMatchObject({ needsParent: true })
    expect(layer!.devices).toHaveLength(2)
    const tree = openFileTree([lower!, layer!])
    expect(await listTree(tree)).toMatchObject({ 'data/hl': 'file lower', h2: 'file lower', own: 'file own' })
    expect(tree.stat(bytes('h2'))?.inode).toBe(tree.stat(bytes('data/hl'))?.inode)
  })

  test('without the lower layers they are left out until these are known', async () => {
    const store = new TestStore()
    const files = store.files()
    const layer = await importLayer(bytesOf(archive(hardlink('x', 'below'), file('y'))), files)
    expect(layer.needsParent).toBe(true)
    expect(Object.keys(await listTree(openFileTree([store.open(files, layer.diffId)])))).toEqual(['y'])
  })

  test.each([
    ['later in the archive', [hardlink('early', 'late'), file('late')], 'LAYER_LINK_BROKEN'],
    ['on the host', [hardlink('stolen', '/etc/hostname')], 'LAYER_LINK_BROKEN'],
    ['through a symlink to the host', [symlink('d', '/etc'), hardlink('h', 'd/hostname')], 'LAYER_LINK_BROKEN'],
    ['a directory', [directory('d'), hardlink('h', 'd')], 'LAYER_ENTRY_REFUSED'],
    ['outside', [hardlink('h', '../../etc/hostname')], 'LAYER_ENTRY_REFUSED'],
    ['a lower directory', [hardlink('h', 'bin')], 'LAYER_LINK_BROKEN'],
  ])('a target that is %s is refused', async (_what, parts, code) => {
    const store = new TestStore()
    await expect(store.stack(base, archive(...parts))).rejects.toMatchObject({ code })
  })
})

describe('directories without an entry', () => {
  test('have the attributes of the lower directory, else 0755 of root', async () => {
    const store = new TestStore()
    const lower = archive(
      directory('a', { mode: 0o1777, uid: 5, mtime: 77 }),
      directory('a/b', { mode: 0o700, gid: 6 }),
    )
    const [below, above] = await store.stack(lower, archive(file('a/b/c/f')))
    expect(above!.needsParent).toBe(true)
    const alone = openFileTree([above!])
    expect(alone.stat(bytes('a'))).toMatchObject({ mode: 0o1777, uid: 5, mtime: { seconds: 77 } })
    expect(alone.stat(bytes('a/b'))).toMatchObject({ mode: 0o700, gid: 6 })
    expect(alone.stat(bytes('a/b/c'))).toMatchObject({ mode: 0o755, uid: 0 })
    expect(Object.keys(await listTree(openFileTree([below!, above!])))).toEqual(['a', 'a/b', 'a/b/c', 'a/b/c/f'])
  })

  test('show the lower attributes even when the index was made without them', async () => {
    const store = new TestStore()
    const files = store.files()
    const below = await store.add(archive(directory('a', { mode: 0o1777 })))
    const { diffId } = await importLayer(bytesOf(archive(file('a/f'))), files)
    const tree = openFileTree([below, store.open(files, diffId)])
    expect(tree.stat(bytes('a'))).toMatchObject({ mode: 0o1777 })
  })

  test('get nothing from a directory that the layer hides, or that is none', async () => {
    const store = new TestStore()
    const lower = archive(directory('a', { mode: 0o700 }), directory('a/b', { mode: 0o700 }), symlink('l', 'a'))
    const upper = archive(file('a/.wh..wh..opq', ''), file('a/b/f'), file('l/b/f'))
    const tree = await store.tree(lower, upper)
    expect(tree.stat(bytes('a'))).toMatchObject({ mode: 0o755 })
    expect(tree.stat(bytes('a/b'))).toMatchObject({ mode: 0o755 })
    expect(tree.stat(bytes('l/b'))).toMatchObject({ kind: 'directory', mode: 0o755 })
  })

  test('the root alone does not make a layer need its parent', async () => {
    const layer = await new TestStore().add(archive(file('f')))
    expect(layer.needsParent).toBe(false)
  })
})

describe('whiteouts', () => {
  const gone = (tree: Record<string, string>) => Object.keys(tree)

  test.each([
    ['of a file', [file('data/.wh.lower', '')], ['bin', 'data', 'data/keep', 'etc', 'etc/passwd']],
    ['of a directory', [file('.wh.data', '')], ['bin', 'etc', 'etc/passwd']],
    ['of everything in a directory', [file('data/.wh..wh..opq', '')], ['bin', 'data', 'etc', 'etc/passwd']],
    [
      'of everything, with new things before',
      [directory('data'), file('data/new'), file('data/.wh..wh..opq', '')],
      ['bin', 'data', 'data/new', 'etc', 'etc/passwd'],
    ],
    [
      'of everything, with new things after',
      [file('data/.wh..wh..opq', ''), file('data/new')],
      ['bin', 'data', 'data/new', 'etc', 'etc/passwd'],
    ],
    ['of the root', [file('.wh..wh..opq', ''), file('new')], ['new']],
    [
      'of what is not there',
      [file('.wh.nothing', ''), file('data/.wh.nothing', '')],
      ['bin', 'data', 'data/keep', 'data/lower', 'etc', 'etc/passwd'],
    ],
    [
      'and a new file, before',
      [file('data/keep', 'n'), file('data/.wh.keep', '')],
      ['bin', 'data', 'data/keep', 'data/lower', 'etc', 'etc/passwd'],
    ],
    [
      'and a new file, after',
      [file('data/.wh.keep', ''), file('data/keep', 'n')],
      ['bin', 'data', 'data/keep', 'data/lower', 'etc', 'etc/passwd'],
    ],
    [
      'and a new directory, before',
      [directory('data'), file('data/x'), file('.wh.data', '')],
      ['bin', 'data', 'data/x', 'etc', 'etc/passwd'],
    ],
    [
      'and a new directory, after',
      [file('.wh.data', ''), directory('data'), file('data/x')],
      ['bin', 'data', 'data/x', 'etc', 'etc/passwd'],
    ],
    [
      'and something below it, after',
      [file('.wh.data', ''), file('data/x')],
      ['bin', 'data', 'data/x', 'etc', 'etc/passwd'],
    ],
    [
      'that are hard links, as in aufs',
      [file('.wh..wh.aufs', ''), hardlink('.wh.data', '.wh..wh.aufs')],
      ['bin', 'etc', 'etc/passwd'],
    ],
    ['that are directories', [directory('.wh.data')], ['bin', 'etc', 'etc/passwd']],
  ])('%s', async (_what, parts, left) => {
    expect(gone(await listTree(await new TestStore().tree(base, archive(...parts))))).toEqual(left)
  })

  test('what aufs kept is ignored, but for hard links to it', async () => {
    const tar = archive(
      directory('.wh..wh.plnk'),
      file('.wh..wh.plnk/1.2', 'kept'),
      file('.wh..wh.orph/x'),
      file('.wh..wh.aufs'),
      hardlink('linked', '.wh..wh.plnk/1.2'),
      file('d/.wh..wh.x'),
      file('keepme'),
    )
    const found = await listTree(await new TestStore().tree(tar))
    expect(found).toEqual({ keepme: 'file evil', linked: 'file kept' })
  })

  test('of a middle layer, and things that come back', async () => {
    const tree = await new TestStore().tree(
      base,
      archive(file('.wh.data', '')),
      archive(file('data/new')),
      archive(file('data/.wh.new', '')),
    )
    expect(Object.keys(await listTree(tree))).toEqual(['bin', 'data', 'etc', 'etc/passwd'])
  })

  test('through a symlink of a lower layer hide nothing outside', async () => {
    const tree = await new TestStore().tree(
      archive(directory('real'), file('real/x'), symlink('l', 'real')),
      archive(file('l/.wh.x', '')),
    )
    expect(await listTree(tree)).toEqual({ l: 'directory', real: 'directory', 'real/x': 'file evil' })
  })

  test('are plain names in an archive that is no layer', async () => {
    const store = new TestStore()
    const layer = await store.add(
      archive(file('.wh.x', 'a'), file('d/.wh..wh..opq', 'b'), directory('.wh.d'), file('.wh.d/e', 'c')),
      { whiteouts: false },
    )
    expect(await listTree(openFileTree([layer]))).toEqual({
      '.wh.d': 'directory',
      '.wh.d/e': 'file c',
      '.wh.x': 'file a',
      d: 'directory',
      'd/.wh..wh..opq': 'file b',
    })
  })

  test('file and directory change places', async () => {
    const tree = await new TestStore().tree(
      archive(file('p'), directory('q'), file('q/x')),
      archive(directory('p'), file('p/in'), file('q', 'now a file')),
    )
    expect(await listTree(tree)).toEqual({ p: 'directory', 'p/in': 'file evil', q: 'file now a file' })
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
