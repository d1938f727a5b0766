import { describe, expect, test } from 'vitest'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { type ContextFile, contextFolder, errorOf, listFiles, solveText } from '../fixture.suite.ts'
import { createExclusion } from './exclude.ts'
import { FileDigests } from './file-digests.ts'
import { FolderSource } from './folder-source.ts'
import { selectWithParents } from './select-parents.ts'

const FILES: Record<string, ContextFile> = {
  'a/b/c/f': '1',
  'a/b/c/g.md': '2',
  'a/b2/c/d/f': '3',
  'a/b2/c/h': '4',
  'x/y.txt': '5',
  'x/z.md': '6',
  link: { symlink: 'a/b' },
  top: '7',
}

function select(pattern: string, excludes: string[] = []): string[] {
  const store = temporaryStore()
  const folder = contextFolder(FILES)
  const source = new FolderSource(folder, { digests: new FileDigests(store.memos, folder), where: 'here' })
  const found = selectWithParents(source, pattern, { exclusion: createExclusion(excludes) })
  return found.map(({ name, entry }) => (entry.kind === 'directory' ? `${name}/` : name)).sort()
}

describe('COPY --parents', () => {
  test.each([
    ['a/b/c/f', ['/', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/f']],
    ['/a/b/', ['/', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/f', 'a/b/c/g.md']],
    ['./top', ['/', 'top']],
    ['../../top', ['/', 'top']],
    // the first pivot counts, and none at an end does
    ['a/b/./c/f', ['/', 'c/', 'c/f']],
    ['a/./b2/./c/h', ['/', 'b2/', 'b2/c/', 'b2/c/h']],
    ['a/b/c/.', ['/', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/f', 'a/b/c/g.md']],
    ['./a/./b/c/f', ['/', 'b/', 'b/c/', 'b/c/f']],
    ['a/b/./', ['/', 'c/', 'c/f', 'c/g.md']],
    ['x/*.txt', ['/', 'x/', 'x/y.txt']],
    ['*/*.md', ['/', 'x/', 'x/z.md']],
    ['**/*.md', ['/', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/g.md', 'x/', 'x/z.md']],
    ['a/**/f', ['/', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/f', 'a/b2/', 'a/b2/c/', 'a/b2/c/d/', 'a/b2/c/d/f']],
    ['a/b?/c', ['/', 'a/', 'a/b2/', 'a/b2/c/', 'a/b2/c/d/', 'a/b2/c/d/f', 'a/b2/c/h']],
    ['a/./*/c/f', ['/', 'b/', 'b/c/', 'b/c/f']],
    ['link', ['/', 'link']],
    ['none*', ['/']],
    ['none/*', ['/']],
    ['top/*', ['/']],
  ])('%s', (pattern, names) => {
    expect(select(pattern)).toEqual(names)
  })

  test('takes wildcards before the pivot: each match is one beginning', () => {
    expect(select('a/b*/./c/**/f')).toEqual(['/', '/', 'c/', 'c/', 'c/d/', 'c/d/f', 'c/f'])
  })

  test('takes everything', () => {
    expect(select('.')).toEqual(select('**'))
    expect(select('.')).toHaveLength(16)
  })

  test('needs a plain path to be there, and follows no symlink on its way', async () => {
    for (const pattern of ['none', 'a/none/f', 'top/x', 'none/./x', 'link/c/f']) {
      expect(await errorOf(Promise.resolve().then(() => select(pattern)))).toContain('not found here')
    }
  })

  test('leaves out what --exclude says, from the pivot on', () => {
    expect(select('x', ['x/*.md'])).toEqual(['/', 'x/', 'x/y.txt'])
    expect(select('x', ['*.md'])).toEqual(['/', 'x/', 'x/y.txt', 'x/z.md'])
    expect(select('a/b/./c', ['c/f'])).toEqual(['/', 'c/', 'c/g.md'])
    expect(select('a/b/c', ['a/b'])).toEqual(['/'])
    expect(select('a', ['a/b', '!a/b/c/f', 'a/b2'])).toEqual(['/', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/f'])
    expect(select('**/*.md', ['a'])).toEqual(['/', 'x/', 'x/z.md'])
    expect(select('**/f', ['**/d'])).toEqual(['/', 'a/', 'a/b/', 'a/b/c/', 'a/b/c/f'])
  })

  test('makes folders as they are in the source, with the owner that is asked for', async () => {
    const context = contextFolder({ 'in/f': { text: '', mode: 0o600 } })
    const { chmodSync } = await import('node:fs')
    chmodSync(`${context}/in`, 0o750)
    const store = temporaryStore()
    const { tree } = await solveText(store, 'FROM scratch\nCOPY --parents --chown=5:6 in/f n*ne /out/\n', { context })
    expect(listFiles(tree)).toEqual({ 'out/': '', 'out/in/': '', 'out/in/f': '' })
    expect([...tree.walk()].map(({ mode, uid, gid }) => [mode, uid, gid])).toEqual([
      [0o755, 5, 6],
      [0o750, 5, 6],
      [0o600, 5, 6],
    ])
  })
})
