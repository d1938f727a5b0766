import { describe, expect, test } from 'vitest'
import { toByteString } from '../../core/index.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { type ContextFile, contextFolder } from '../fixture.suite.ts'
import { FileDigests } from './file-digests.ts'
import { FolderSource } from './folder-source.ts'
import { selectFiles } from './select.ts'
import { SingleFileSource } from './single-file-source.ts'

const FILES: Record<string, ContextFile> = {
  'a.txt': '',
  'b.txt': '',
  '.hidden': '',
  'dir/one': '',
  'dir/sub/two': '',
  'dir/.dot': '',
  'other/one': '',
  'link-to-dir': { symlink: 'dir' },
  'link-to-file': { symlink: 'a.txt' },
  out: { symlink: '../../../../etc' },
  'class[1].txt': '',
}

function select(pattern: string): string[] {
  const root = contextFolder(FILES)
  const digests = new FileDigests(temporaryStore().memos, root)
  const found = selectFiles(new FolderSource(root, { digests, where: 'in the build context' }), pattern)
  return found.map(({ name, entry, top }) => `${top ? '' : '  '}${name} <- ${entry.path}`)
}

const DIR = [' <- dir', '  .dot <- dir/.dot', '  one <- dir/one', '  sub <- dir/sub', '  sub/two <- dir/sub/two']

describe('what a source of COPY means', () => {
  test.each([
    ['a.txt', ['a.txt <- a.txt']],
    ['./a.txt', ['a.txt <- a.txt']],
    ['/a.txt', ['a.txt <- a.txt']],
    ['../../a.txt', ['a.txt <- a.txt']],
    ['dir/../a.txt', ['a.txt <- a.txt']],
    ['dir', DIR],
    ['dir/', DIR],
    ['dir/sub/two', ['two <- dir/sub/two']],
    ['link-to-dir', DIR],
    ['link-to-file', ['link-to-file <- a.txt']],
    ['link-to-dir/one', ['one <- dir/one']],
    ['*.txt', ['a.txt <- a.txt', 'b.txt <- b.txt', 'class[1].txt <- class[1].txt']],
    ['?.txt', ['a.txt <- a.txt', 'b.txt <- b.txt']],
    ['[ab].txt', ['a.txt <- a.txt', 'b.txt <- b.txt']],
    ['[^a].txt', ['b.txt <- b.txt']],
    ['class[[]1].txt', ['class[1].txt <- class[1].txt']],
    ['class\\[1].txt', ['class[1].txt <- class[1].txt']],
    ['*/one', ['one <- dir/one', 'one <- link-to-dir/one', 'one <- other/one']],
    ['d*', DIR],
    ['nothing*', []],
    ['dir/*/two', ['two <- dir/sub/two']],
  ])('%s', (pattern, expected) => {
    const sorted = (lines: string[]): string[] => [...lines].sort()
    expect(sorted(select(pattern))).toEqual(sorted(expected).map((line) => line.replace('<- link-to-dir/', '<- dir/')))
  })

  test('all of the context', () => {
    expect(select('.')).toContain('  dir/sub/two <- dir/sub/two')
    expect(select('/')).toEqual(select('.'))
  })

  test('* takes hidden files too, as in Go', () => {
    expect(select('*')).toContain('.hidden <- .hidden')
  })

  test.each([
    ['missing', '"/missing": not found in the build context'],
    ['dir/missing', '"/dir/missing": not found in the build context'],
    ['out/passwd', '"/out/passwd": not found in the build context'],
    ['a.txt/x', '"/a.txt/x": not found in the build context'],
  ])('%s is not there', (pattern, message) => {
    expect(() => select(pattern)).toThrow(message)
  })

  test('a folder that is deeper than the stack of calls is no trouble', () => {
    const depth = 900
    const root = contextFolder({ [`${'d/'.repeat(depth)}f`]: '' })
    const digests = new FileDigests(temporaryStore().memos, root)
    const found = selectFiles(new FolderSource(root, { digests, where: '' }), 'd')
    expect(found).toHaveLength(depth + 1)
  })
})

test('a single file is found by its name', () => {
  const source = SingleFileSource.ofText('name', 'text', 7)
  const [selected] = selectFiles(source, 'name')
  expect(selected).toMatchObject({ name: 'name', entry: { mode: 0o644, size: 4, mtime: { seconds: 7 } } })
  expect(source.body()).toEqual({ bytes: Buffer.from('text') })
  expect(source.stat(toByteString('other'))).toBeUndefined()
})
