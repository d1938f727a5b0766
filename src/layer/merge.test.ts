import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type FileTree, openFileTree } from './file-tree.ts'
import { bytes, canMount, listTree, mountForTest, TestStore, temporaryDirectory } from './fixture.suite.ts'
import { describeDirectory, describeFileTree, differences } from './host-tree.suite.ts'
import { type LayerIndex, layerMount } from './layer-index.ts'
import { mergeLayers } from './merge.ts'
import { archive, forge, forgePax } from './tar/forge.suite.ts'

const file = (name: string, content = 'x', more = {}) => forge({ name, mtime: 1000, ...more }, content)
const directory = (name: string, more = {}) => forge({ name, flag: '5', mode: 0o755, mtime: 1000, ...more })

const stack = [
  archive(
    directory('./', { mode: 0o711 }),
    directory('a', { mode: 0o700, uid: 7 }),
    file('a/1', '1'),
    file('a/2', '2'),
    forge({ name: 'a/l', flag: '1', link: 'a/2' }),
    directory('gone'),
    file('gone/x'),
    directory('hidden'),
    file('hidden/old'),
    forgePax({ 'SCHILY.xattr.user.k': 'v' }),
    file('caps', 'c'.repeat(5000)),
    forgePax({ 'GNU.sparse.map': '7,5,500000,10', 'GNU.sparse.size': '900000' }),
    file('sparse', 'x'.repeat(15)),
  ),
  archive(
    file('a/.wh.1', ''),
    file('.wh.gone', ''),
    directory('hidden'),
    file('hidden/.wh..wh..opq', ''),
    file('hidden/new'),
    file('a/implicit/f'),
  ),
  archive(
    forge({ name: 'linked', flag: '1', link: 'a/2' }),
    directory('gone'),
    file('gone/back'),
    forge({ name: 's', flag: '2', link: 'a/2' }),
  ),
]

const merge = (store: TestStore, layers: readonly LayerIndex[], name = 'merged'): Promise<LayerIndex> =>
  mergeLayers(layers, path.join(store.directory, name))

describe('one index of a stack', () => {
  test('shows what the stack shows', async () => {
    const store = new TestStore()
    const layers = await store.stack(...stack)
    const merged = await merge(store, layers)
    const [expected, actual] = [
      await describeFileTree(openFileTree(layers)),
      await describeFileTree(openFileTree([merged])),
    ]
    expect(differences(expected, actual, { ignoreDirectoryLinks: true })).toEqual([])
    expect(merged).toMatchObject({ entries: expected.size - 1, needsParent: false, opaque: false, size: 0 })
    expect(merged.devices).toHaveLength(3)
  })

  test.skipIf(!canMount)('is mounted alone as overlayfs mounts all', async () => {
    const store = new TestStore()
    const layers = await store.stack(...stack)
    const target = temporaryDirectory()
    mountForTest(layerMount(await merge(store, layers)), target)
    const expected = describeDirectory(store.mountStack(layers))
    expect(differences(expected, describeDirectory(target), { ignoreDirectoryLinks: true, ignoreRoot: true })).toEqual(
      [],
    )
    expect(expected.size).toBe(14)
  })

  test('can be a layer of another stack, and be merged again', async () => {
    const store = new TestStore()
    const layers = await store.stack(...stack)
    const once = await merge(store, layers.slice(0, 2), 'once')
    const trees: FileTree[] = [
      openFileTree([once, layers[2]!]),
      openFileTree([await merge(store, [once, layers[2]!], 'twice')]),
    ]
    for (const tree of trees) expect(await listTree(tree)).toEqual(await listTree(openFileTree(layers)))
  })

  test('is the same for the same layers', async () => {
    const store = new TestStore()
    const layers = await store.stack(...stack)
    const [one, two] = [await merge(store, layers, 'one'), await merge(store, layers, 'two')]
    expect(readFileSync(one.path).equals(readFileSync(two.path))).toBe(true)
  })

  test('of nothing is an empty root', async () => {
    const tree = openFileTree([await merge(new TestStore(), [])])
    expect(tree.stat(bytes(''))).toMatchObject({ kind: 'directory', mode: 0o755 })
    expect(tree.list(bytes(''))).toEqual([])
  })

  test.skipIf(!canMount)('goes beyond what overlayfs takes', async () => {
    const store = new TestStore()
    const one = await store.add(archive(directory('d'), file('d/first')))
    const layers: LayerIndex[] = Array(600).fill(one)
    for (let i = 0; i < 20; i++)
      layers.push(await store.add(archive(file(`d/${i}`, String(i)), file(`d/.wh.${i - 1}`, '')), {}, layers))
    const target = temporaryDirectory()
    const merged = await merge(store, layers)
    mountForTest(layerMount(merged), target)
    expect([...describeDirectory(target).keys()].sort()).toEqual(['', 'd', 'd/19', 'd/first'])
    expect(readFileSync(path.join(target, 'd/19'), 'utf8')).toBe('19')
  })
})
