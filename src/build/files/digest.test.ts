import { linkSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type Digest, silentJob } from '../../core/index.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { type ContextFile, contextFolder } from '../fixture.suite.ts'
import { digestSelection } from './digest.ts'
import { FileDigests } from './file-digests.ts'
import { FolderSource } from './folder-source.ts'
import { selectFiles } from './select.ts'

function digestIn(root: string, ...names: string[]): Promise<Digest> {
  const source = new FolderSource(root, { digests: new FileDigests(temporaryStore().memos, root), where: '' })
  return digestSelection(
    names.flatMap((name) => selectFiles(source, name)),
    undefined,
    silentJob,
  )
}

const digest = (files: Record<string, ContextFile>): Promise<Digest> => digestIn(contextFolder(files), '.')

const FILES: Record<string, ContextFile> = { a: '1', 'd/b': '2', l: { symlink: 'a' } }

test('equal files have equal digests, wherever and whenever they were written', async () => {
  const one = contextFolder(FILES)
  const other = contextFolder({ 'd/b': '2', l: { symlink: 'a' }, a: '1' })
  utimesSync(path.join(other, 'a'), 1, 1)
  expect(await digestIn(other, '.')).toBe(await digestIn(one, '.'))
})

test.each<[string, Record<string, ContextFile>]>([
  ['content', { ...FILES, a: '2' }],
  ['a mode', { ...FILES, a: { text: '1', mode: 0o755 } }],
  ['a link', { ...FILES, l: { symlink: 'd' } }],
  ['a kind', { ...FILES, l: 'a' }],
  ['one more, empty folder', { ...FILES, 'e/': '' }],
  ['a file less', { a: '1', l: { symlink: 'a' } }],
  ['a name', { ...FILES, 'd/b': '1', a: '2' }],
])('%s makes a difference', async (_, changed) => {
  expect(await digest(changed)).not.toBe(await digest(FILES))
})

test('names do not run into one another', async () => {
  const evil = { 'a\tfile\n': '', b: '' }
  expect(await digest(evil)).not.toBe(await digest({ a: '', 'file\nb': '' }))
  expect(await digest({ 'a\\n': '' })).not.toBe(await digest({ 'a\n': '' }))
})

test('a hard link is the file that it is', async () => {
  const root = contextFolder({ a: '1' })
  linkSync(path.join(root, 'a'), path.join(root, 'b'))
  expect(await digestIn(root, '.')).toBe(await digest({ a: '1', b: '1' }))
})
