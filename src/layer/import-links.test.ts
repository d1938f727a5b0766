import { describe, expect, test } from 'vitest'
import { bytesOf } from '../core/index.ts'
import { base, directory, file, hardlink, symlink } from './entries.suite.ts'
import { openFileTree } from './file-tree.ts'
import { bytes, listTree, TestStore } from './fixture.suite.ts'
import { importLayer } from './import.ts'
import { archive } from './tar/forge.suite.ts'

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
