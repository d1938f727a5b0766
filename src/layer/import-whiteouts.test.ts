import { describe, expect, test } from 'vitest'
import { base, directory, file, hardlink, symlink } from './entries.suite.ts'
import { openFileTree } from './file-tree.ts'
import { listTree, TestStore } from './fixture.suite.ts'
import { archive } from './tar/forge.suite.ts'

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
