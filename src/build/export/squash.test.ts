import { describe, expect, test } from 'vitest'
import { collectBytes, silentJob } from '../../core/index.ts'
import type { FileTree } from '../../layer/index.ts'
import { readTar } from '../../layer/index.ts'
import { addLayers, type Member, type TestStore, temporaryStore } from '../../store/fixture.suite.ts'
import { squashLayers } from './squash.ts'

type Layer = Readonly<Record<string, Member>>

/** What a tree holds, and which names are one file. */
function listing(tree: FileTree): string[] {
  const entries = [...tree.walk()]
  return entries.map((entry) => {
    const { path, kind, mode, uid, gid, size, link, mtime, xattrs, inode } = entry
    const same = entries.filter((other) => other.inode === inode && other.path !== path).map((other) => other.path)
    const names = [...(xattrs ?? [])].map(([name, value]) => `${name}=${Buffer.from(value)}`)
    return [path, kind, mode, uid, gid, size, link, mtime.seconds, same, ...names].join(' ')
  })
}

async function squash(store: TestStore, base: readonly Layer[], own: readonly Layer[]) {
  const below = await addLayers(store, ...base)
  const layers = await addLayers(store, ...own)
  const { diffId } = await squashLayers(store, { base: below, layers }, store.testLease, silentJob)
  const [expected, found] = [
    await store.layers.tree([...below, ...layers]),
    await store.layers.tree([...below, diffId]),
  ]
  const names: string[] = []
  for await (const { entry } of readTar(store.blobs.read(diffId))) names.push(entry.name)
  return { expected: listing(expected), found: listing(found), names, tree: found, diffId }
}

describe('squashed layers', () => {
  test.each<[string, Layer[], Layer[], string[]]>([
    ['keep only what is left', [{ a: '1' }], [{ b: 'long ago' }, { '.wh.b': '', c: '3' }], ['c']],
    [
      'hide what the base has',
      [{ 'd/': '', 'd/a': '1', 'd/b': '2', e: '' }],
      [{ 'd/.wh.a': '' }, { '.wh.e': '' }],
      ['.wh.e', 'd/.wh.a'],
    ],
    ['hide a whole folder by one name', [{ 'd/': '', 'd/a': '1' }], [{ '.wh.d': '' }, { x: '1' }], ['.wh.d', 'x']],
    [
      'hide what an emptied folder had',
      [{ 'd/': '', 'd/a': '1' }],
      [{ 'd/': '', 'd/.wh..wh..opq': '', 'd/b': '2' }, { x: '' }],
      ['d/.wh.a', 'd/b', 'x'],
    ],
    ['put a file in the place of a folder', [{ 'd/': '', 'd/a': '1' }], [{ '.wh.d': '' }, { d: 'file' }], ['d']],
    [
      'put a folder in the place of a file',
      [{ d: 'file' }],
      [{ '.wh.d': '' }, { 'd/': '', 'd/a': '1' }],
      ['d/', 'd/a'],
    ],
    ['leave out what came back as it was', [{ a: { file: '1', mode: 0o600 } }], [{ b: '' }, { '.wh.b': '' }], []],
    [
      'keep hard links together',
      [{ z: '' }],
      [
        { a: 'x', b: { hardlink: 'a' } },
        { '.wh.a': '', c: 'y' },
      ],
      ['b', 'c'],
    ],
    [
      'keep attributes',
      [{ 'd/': '' }],
      [
        { 'd/': { directory: true, mode: 0o700, uid: 5 } },
        { f: { file: '', xattrs: { 'user.a': 'b' } }, s: { symlink: 'f' } },
      ],
      ['d/', 'f', 's'],
    ],
  ])('%s', async (_, base, own, names) => {
    const { expected, found, names: written } = await squash(temporaryStore(), base, own)
    expect(found).toEqual(expected)
    expect(written.sort()).toEqual(names)
  })

  test('hold the content of the latest layer', async () => {
    const { tree } = await squash(temporaryStore(), [{ a: 'base' }], [{ a: 'old' }, { a: 'new' }])
    const bytes = await collectBytes(tree.read('a' as never), 100, () => new Error('too long'))
    expect(bytes.toString()).toBe('new')
  })

  test('of a whole image need no base, and are the same layer in another store', async () => {
    const layers: Layer[] = [
      { 'd/': '', 'd/a': '1', b: '2' },
      { 'd/.wh.a': '', 'd/c': '3' },
    ]
    const [first, second] = [await squash(temporaryStore(), [], layers), await squash(temporaryStore(), [], layers)]
    expect(first.found).toEqual(first.expected)
    expect(first.names).toEqual(['b', 'd/', 'd/c'])
    expect(second.diffId).toBe(first.diffId)
  })

  test('are made once', async () => {
    const store = temporaryStore()
    const layers = await addLayers(store, { a: '1' }, { b: '2' })
    const again = () => squashLayers(store, { base: [], layers }, store.testLease, silentJob)
    const { diffId } = await again()
    const temporary = store.layers.temporary
    store.layers.temporary = () => {
      throw new Error('made again')
    }
    expect((await again()).diffId).toBe(diffId)
    store.layers.temporary = temporary
  })
})
