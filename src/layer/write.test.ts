import { existsSync, linkSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf, digestOf } from '../core/index.ts'
import { makeNode } from '../host/index.ts'
import type { Attributes } from './entry.ts'
import { openFileTree } from './file-tree.ts'
import { bytes, isRoot, listTree, TestStore, temporaryDirectory } from './fixture.suite.ts'
import { indexLayer } from './index-layer.ts'
import { archive, forge, forgePax } from './tar/forge.suite.ts'
import { readTar } from './tar/read.ts'
import { createLayerWriter, type LayerWriter } from './write.ts'

const plain: Attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 1000, nanoseconds: 0 } }

/** Some of everything. */
function fill(layer: LayerWriter, host: string): void {
  layer.directory(bytes(''), { ...plain, mode: 0o711 })
  layer.directory(bytes('z'), { ...plain, mode: 0o1777, uid: 5 })
  layer.file(bytes('z/host'), { ...plain, mode: 0o4755, gid: 70_000 }, { hostPath: host })
  layer.file(bytes('a'), { ...plain, mtime: { seconds: -5, nanoseconds: 7 } }, { bytes: Buffer.from('memory') })
  layer.file(bytes(`${'long/'.repeat(40)}name`), plain, { bytes: Buffer.alloc(0) })
  layer.hardlink(bytes('z/linked'), bytes('a'))
  layer.symlink(bytes('s'), plain, bytes('../z'))
  layer.hardlink(bytes('z/s2'), bytes('s'))
  layer.device(bytes('null'), { ...plain, mode: 0o666 }, 'char', { major: 1, minor: 3 })
  layer.device(bytes('disk'), plain, 'block', { major: 8, minor: 70_000 })
  layer.fifo(bytes('pipe'), plain)
  layer.file(
    bytes('caps'),
    {
      ...plain,
      xattrs: new Map([
        ['security.capability', Buffer.from('cap')],
        ['user.a', Buffer.alloc(0)],
      ]),
    },
    { bytes: Buffer.from('x') },
  )
  layer.whiteout(bytes('gone'))
  layer.whiteout(bytes('z/gone'))
  layer.opaque(bytes('z'))
  layer.file(bytes('caf\xe9'), plain, { bytes: Buffer.from('bytes') })
}

async function written(write: (layer: LayerWriter, host: string) => void, store: TestStore = new TestStore()) {
  const host = path.join(temporaryDirectory(), 'host')
  writeFileSync(host, 'from the host'.repeat(200_000))
  const files = store.files()
  const layer = createLayerWriter(files, {}, store.job)
  write(layer, host)
  const summary = layer.finish()
  return { files, summary, store, index: store.open(files, summary.diffId) }
}

test('the archive, its digest and its index belong together', async () => {
  const { files, summary, index } = await written(fill)
  const tar = readFileSync(files.tar)
  expect(summary).toMatchObject({ diffId: digestOf(tar), size: tar.length, entries: 16, needsParent: true })
  expect(summary.contentBytes).toBe(13 * 200_000 + 6 + 1 + 5)
  expect(await indexLayer(files.tar, `${files.index}.2`)).toEqual(summary)
  expect(readFileSync(`${files.index}.2`).equals(readFileSync(files.index))).toBe(true)
  const tree = openFileTree([index])
  expect(tree.stat(bytes(''))).toMatchObject({ mode: 0o711 })
  expect(tree.stat(bytes('z/host'))).toMatchObject({
    mode: 0o4755,
    gid: 70_000,
    size: 13 * 200_000,
    mtime: { seconds: 1000 },
  })
  expect(tree.stat(bytes('z/linked'))).toMatchObject({ inode: tree.stat(bytes('a'))!.inode, nlink: 2 })
  expect([...tree.stat(bytes('caps'))!.xattrs!.keys()].sort()).toEqual(['security.capability', 'user.a'])
  expect(await listTree(tree)).toMatchObject({
    a: 'file memory',
    'z/linked': 'file memory',
    s: 'symlink ../z',
    'z/s2': 'symlink ../z',
    null: 'char 1:3',
    disk: 'block 8:70000',
    pipe: 'fifo',
    'caf\xe9': 'file bytes',
    'z/host': `file ${'from the host'.repeat(200_000)}`,
  })
})

test('the same calls give the same bytes, other ones others', async () => {
  const [one, two] = [await written(fill), await written(fill)]
  expect(two.summary).toEqual(one.summary)
  expect(readFileSync(two.files.index).equals(readFileSync(one.files.index))).toBe(true)
  const other = await written((layer, host) => {
    fill(layer, host)
    layer.fifo(bytes('more'), plain)
  })
  expect(other.summary.diffId).not.toBe(one.summary.diffId)
})

test('an empty layer is the one everybody knows', async () => {
  const { summary, files } = await written(() => {})
  expect(summary).toMatchObject({ entries: 0, contentBytes: 0, size: 1024, needsParent: false })
  // Docker's empty layer.
  expect(summary.diffId).toBe('sha256:5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef')
  expect(readFileSync(files.tar)).toEqual(Buffer.alloc(1024))
})

test('whiteouts and opaque directories hide what is below', async () => {
  const store = new TestStore()
  const below = await store.add(
    archive(forge({ name: 'gone' }), forge({ name: 'z/gone' }), forge({ name: 'z/old' }), forge({ name: 'd/x' })),
  )
  const { index } = await written((layer) => {
    layer.whiteout(bytes('gone'))
    layer.opaque(bytes('z'))
    layer.whiteout(bytes('d/x'))
  }, store)
  expect(Object.keys(await listTree(openFileTree([below, index])))).toEqual(['d', 'z'])
})

test('times are whole seconds, as in the layers of Docker', async () => {
  const { files } = await written((layer) => {
    layer.file(bytes('f'), { ...plain, mtime: { seconds: 5, nanoseconds: 999_999_999 } }, { bytes: Buffer.from('x') })
  })
  for await (const { entry } of readTar(bytesOf(readFileSync(files.tar)))) {
    expect(entry.mtime).toEqual({ seconds: 5, nanoseconds: 0 })
    expect(entry.pax).toBeUndefined()
  }
})

test('a hard link carries the attributes of its file, which Docker applies to both', async () => {
  const { files } = await written((layer) => {
    layer.file(
      bytes('f'),
      { ...plain, mode: 0o4711, uid: 7, xattrs: new Map([['security.capability', Buffer.from('c')]]) },
      { bytes: Buffer.from('x') },
    )
    layer.hardlink(bytes('g'), bytes('f'))
  })
  const found: object[] = []
  for await (const { entry } of readTar(bytesOf(readFileSync(files.tar)))) found.push(entry)
  expect(found[1]).toMatchObject({
    type: 'hardlink',
    link: 'f',
    mode: 0o4711,
    uid: 7,
    size: 0,
    xattrs: new Map([['security.capability', Buffer.from('c')]]),
  })
})

describe('content from an image', () => {
  test('plain, sparse, empty and through several layers', async () => {
    const store = new TestStore()
    const sparse = Buffer.concat([
      forgePax({ 'GNU.sparse.map': '3,4,3000000,2', 'GNU.sparse.size': '3000005' }),
      forge({ name: 's' }, 'abcdef'),
    ])
    const tree = await store.tree(
      archive(forge({ name: 'f' }, 'first'), sparse),
      archive(forge({ name: 'e' }), forge({ name: 'big' }, 'b'.repeat(2_500_000))),
    )
    const { index } = await written((layer) => {
      for (const name of ['f', 's', 'e', 'big']) layer.file(bytes(`copy/${name}`), plain, { tree, path: bytes(name) })
    }, store)
    const expected = Buffer.alloc(3_000_005)
    expected.write('abcd', 3)
    expected.write('ef', 3_000_000)
    const copies = openFileTree([index])
    expect(copies.readFile(bytes('copy/f'), 10)?.toString()).toBe('first')
    expect(copies.readFile(bytes('copy/s'), 1 << 22)?.equals(expected)).toBe(true)
    expect(copies.readFile(bytes('copy/e'), 10)).toHaveLength(0)
    expect(copies.readFile(bytes('copy/big'), 1 << 22)?.equals(Buffer.alloc(2_500_000, 'b'))).toBe(true)
  })

  test('that is none', async () => {
    const tree = await new TestStore().tree(archive(forge({ name: 'd', flag: '5' })))
    await expect(written((layer) => layer.file(bytes('x'), plain, { tree, path: bytes('d') }))).rejects.toMatchObject({
      code: 'TREE_NOT_FOUND',
    })
  })
})

describe('files of this host that are not what they were', () => {
  test.skipIf(!existsSync('/proc/self/status'))('grown: more to read than their size says', async () => {
    await expect(
      written((layer) => layer.file(bytes('x'), plain, { hostPath: '/proc/self/status' })),
    ).rejects.toMatchObject({
      code: 'LAYER_SOURCE_CHANGED',
    })
  })

  test.skipIf(!existsSync('/sys/kernel/uevent_seqnum'))('shrunk: less to read than their size says', async () => {
    await expect(
      written((layer) => layer.file(bytes('x'), plain, { hostPath: '/sys/kernel/uevent_seqnum' })),
    ).rejects.toMatchObject({
      code: 'LAYER_SOURCE_CHANGED',
      message: expect.stringContaining('4096 bytes'),
    })
  })

  test('gone, a symlink, a directory', async () => {
    const directory = temporaryDirectory()
    symlinkSync('/etc/passwd', path.join(directory, 'link'))
    for (const name of ['missing', 'link', '.']) {
      const hostPath = path.join(directory, name)
      await expect(written((layer) => layer.file(bytes('x'), plain, { hostPath }))).rejects.toMatchObject({
        code: 'LAYER_SOURCE_CHANGED',
      })
    }
  })

  test.skipIf(!isRoot)('a FIFO, which must not be waited for, and a device', async () => {
    const directory = temporaryDirectory()
    makeNode(path.join(directory, 'fifo'), 'fifo', 0o644)
    makeNode(path.join(directory, 'zero'), 'char', 0o644, { major: 1, minor: 5 })
    for (const name of ['fifo', 'zero']) {
      const hostPath = path.join(directory, name)
      await expect(written((layer) => layer.file(bytes('x'), plain, { hostPath }))).rejects.toMatchObject({
        code: 'LAYER_SOURCE_CHANGED',
      })
    }
  })

  test('names of any bytes', async () => {
    const hostPath = Buffer.concat([Buffer.from(`${temporaryDirectory()}/`), Buffer.from([0xff, 0xe9])])
    writeFileSync(hostPath, 'odd')
    const { index } = await written((layer) => layer.file(bytes('x'), plain, { hostPath }))
    expect(openFileTree([index]).readFile(bytes('x'), 10)?.toString()).toBe('odd')
  })
})

describe('what a layer cannot hold', () => {
  test.each<[string, (layer: LayerWriter) => void, string]>([
    [
      'a whiteout name',
      (layer) => layer.file(bytes('d/.wh.x'), plain, { bytes: Buffer.alloc(0) }),
      'LAYER_NAME_RESERVED',
    ],
    ['a whiteout of one', (layer) => layer.whiteout(bytes('.wh.x/y')), 'LAYER_NAME_RESERVED'],
    ['a path that climbs', (layer) => layer.directory(bytes('../x'), plain), 'LAYER_ENTRY_REFUSED'],
    ['a root that is a file', (layer) => layer.fifo(bytes(''), plain), 'LAYER_ENTRY_REFUSED'],
    ['a name too long', (layer) => layer.fifo(bytes('n'.repeat(256)), plain), 'LAYER_ENTRY_REFUSED'],
    ['a link to nothing', (layer) => layer.hardlink(bytes('x'), bytes('y')), 'LAYER_LINK_BROKEN'],
    ['a device 0:0', (layer) => layer.device(bytes('x'), plain, 'char', { major: 0, minor: 0 }), 'LAYER_ENTRY_REFUSED'],
    ['an owner out of range', (layer) => layer.fifo(bytes('x'), { ...plain, uid: 2 ** 32 }), 'LAYER_ENTRY_REFUSED'],
  ])('%s', async (_what, write, code) => {
    await expect(written(write)).rejects.toMatchObject({ code })
  })

  test('attributes of overlayfs are dropped from the archive too', async () => {
    const { files, store } = await written((layer) => {
      layer.directory(bytes('d'), {
        ...plain,
        xattrs: new Map([
          ['trusted.overlay.opaque', Buffer.from('y')],
          ['user.k', Buffer.from('v')],
        ]),
      })
    })
    for await (const { entry } of readTar(bytesOf(readFileSync(files.tar))))
      expect([...entry.xattrs!.keys()]).toEqual(['user.k'])
    expect(store.warnings).toHaveLength(1)
  })

  test('limits hold here too', () => {
    const store = new TestStore()
    const layer = createLayerWriter(store.files(), { limits: { entries: 2 } })
    layer.fifo(bytes('a'), plain)
    layer.fifo(bytes('b'), plain)
    expect(() => layer.fifo(bytes('c'), plain)).toThrow(expect.objectContaining({ code: 'LAYER_LIMIT_EXCEEDED' }))
    layer.abort()
  })
})

test('abort leaves nothing, and so does a writer that is not finished', () => {
  const [one, two] = [new TestStore().files(), new TestStore().files()]
  const aborted = createLayerWriter(one)
  aborted.fifo(bytes('a'), plain)
  aborted.abort()
  {
    using unfinished = createLayerWriter(two)
    unfinished.fifo(bytes('a'), plain)
  }
  for (const files of [one, two]) expect([existsSync(files.tar), existsSync(files.index)]).toEqual([false, false])
})

test('paths and link targets stand in the archive without slashes at the start', async () => {
  const { files } = await written((layer) => {
    layer.file(bytes('/a//b/./f'), plain, { bytes: Buffer.from('x') })
    layer.hardlink(bytes('/g'), bytes('/a/b/f'))
    layer.whiteout(bytes('/a/c'))
    layer.opaque(bytes('/a/'))
  })
  const found: string[] = []
  for await (const { entry } of readTar(bytesOf(readFileSync(files.tar)))) found.push(`${entry.name} ${entry.link}`)
  expect(found).toEqual(['a/b/f ', 'g a/b/f', 'a/.wh.c ', 'a/.wh..wh..opq '])
})

test.skipIf(isRoot)('a file that may not be read is named', async () => {
  const hostPath = path.join(temporaryDirectory(), 'secret')
  writeFileSync(hostPath, 'x', { mode: 0 })
  await expect(written((layer) => layer.file(bytes('x'), plain, { hostPath }))).rejects.toThrow(/permission denied/)
})

test('a directory of hard links and a deep one', async () => {
  const host = temporaryDirectory()
  mkdirSync(path.join(host, 'd'))
  writeFileSync(path.join(host, 'd/f'), 'x')
  linkSync(path.join(host, 'd/f'), path.join(host, 'd/g'))
  const deep = Array(500).fill('d').join('/')
  const { index } = await written((layer) => {
    layer.file(bytes(`${deep}/f`), plain, { hostPath: path.join(host, 'd/f') })
    layer.hardlink(bytes(`${deep}/g`), bytes(`${deep}/f`))
  })
  expect(openFileTree([index]).stat(bytes(`${deep}/g`))).toMatchObject({ nlink: 2, size: 1 })
})
