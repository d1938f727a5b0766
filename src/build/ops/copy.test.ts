import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { toByteString } from '../../core/index.ts'
import { findProgram } from '../../host/index.ts'
import { addLayer, temporaryStore } from '../../store/fixture.suite.ts'
import { type ContextFile, contextFolder, errorOf, listFiles, type SolveOptions, solveText } from '../fixture.suite.ts'

const build = (text: string, files: Record<string, ContextFile>, options: SolveOptions = {}) =>
  solveText(temporaryStore(), text, { context: contextFolder(files), ...options })

describe('COPY', () => {
  test('makes a layer of what was selected', async () => {
    const { tree, diffIds } = await build('FROM scratch\nCOPY a d /x/\n', {
      a: '1',
      'd/b': '2',
      'd/c/d': '3',
      other: '',
    })
    expect(listFiles(tree)).toEqual({ 'x/': '', 'x/a': '1', 'x/b': '2', 'x/c/': '', 'x/c/d': '3' })
    expect(diffIds).toHaveLength(1)
  })

  test('from another stage keeps owners and hard links', async () => {
    const text = 'FROM scratch AS a\nCOPY --chown=7:8 f /d/f\nFROM scratch\nCOPY --from=a /d /e\n'
    const { tree } = await build(text, { f: '1' })
    expect(tree.stat(toByteString('e/f'))).toMatchObject({ uid: 7, gid: 8 })
  })

  test('here-documents have the mode and owner that is asked for', async () => {
    const { tree } = await build('FROM scratch\nCOPY --chmod=755 --chown=1:2 <<a /d/\ntext\na\n', {})
    expect(listFiles(tree)).toEqual({ 'd/': '', 'd/a': 'text\n' })
    expect(tree.stat(toByteString('d/a'))).toMatchObject({ mode: 0o755, uid: 1, gid: 2 })
  })

  test('warns of an owner that the image does not know', async () => {
    const store = temporaryStore()
    const layers = [await addLayer(store, { 'etc/passwd': 'root:x:0:0::/:/bin/sh\n' })]
    const context = contextFolder({ f: '' })
    const { job, tree } = await solveText(store, 'FROM base\nCOPY --chown=ghost f /\n', {
      context,
      bases: { base: { layers } },
    })
    expect(tree.stat(toByteString('f'))).toMatchObject({ uid: 0, gid: 0 })
    expect(job.events).toContainEqual(
      expect.objectContaining({ type: 'warning', code: 'OWNER_UNKNOWN', span: expect.objectContaining({ line: 2 }) }),
    )
  })

  test('a source that is missing is told with its line and where it was looked for', async () => {
    expect(await errorOf(build('FROM scratch\nCOPY a b /\n', { a: '' }))).toBe(
      '2: "/b": not found in the build context',
    )
    const stage = 'FROM scratch AS one\nFROM scratch\nCOPY --from=one /a /\n'
    expect(await errorOf(build(stage, {}))).toBe('3: "/a": not found in the stage')
  })

  test('a file in the way is told with its line', async () => {
    expect(await errorOf(build('FROM scratch\nCOPY f /x\nCOPY f /x/y\n', { f: '' }))).toBe(
      '3: mkdir /x: not a directory',
    )
  })

  test('is cached by content, not by where the content comes from', async () => {
    const store = temporaryStore()
    const context = contextFolder({ f: '1' })
    await solveText(store, 'FROM scratch\nCOPY f /x\n', { context })
    const again = await solveText(store, 'FROM scratch\nCOPY f /x\n', { context: contextFolder({ f: '1', g: '2' }) })
    expect(again.outcomes).toEqual({ 'COPY f /x # buildkit': 'cached' })
    const other = await solveText(store, 'FROM scratch\nCOPY f /x\n', { context: contextFolder({ f: '2' }) })
    expect(other.outcomes).toEqual({ 'COPY f /x # buildkit': 'done' })
  })
})

describe('ADD of archives', () => {
  /** A context with an archive, packed by tar(1) in this way. */
  function packed(name: string, ...flags: string[]): string {
    const context = contextFolder({ 'plain.txt': 'no archive' })
    const inside = path.join(context, 'inside')
    mkdirSync(path.join(inside, 'd'), { recursive: true })
    writeFileSync(path.join(inside, 'd/f'), 'text')
    execFileSync('tar', [
      ...flags,
      '--owner=5',
      '--group=6',
      '--numeric-owner',
      '-cf',
      path.join(context, name),
      '-C',
      inside,
      'd',
    ])
    return context
  }

  /** How tar packs it, and the program it needs for that. */
  const PACKED: [string, string[], string][] = [
    ['a.tar', [], 'tar'],
    ['a.tar.gz', ['-z'], 'gzip'],
    ['named-otherwise', ['-z'], 'gzip'],
    ['a.tar.bz2', ['-j'], 'bzip2'],
    ['a.tar.xz', ['-J'], 'xz'],
    ['a.tar.zst', ['--zstd'], 'zstd'],
  ]
  for (const [name, flags, program] of PACKED) {
    test.skipIf(!findProgram(program))(`${name} is unpacked, with its owners (needs ${program})`, async () => {
      const context = packed(name, ...flags)
      const { tree } = await solveText(temporaryStore(), `FROM scratch\nADD ${name} /x/\n`, { context })
      expect(listFiles(tree)).toEqual({ 'x/': '', 'x/d/': '', 'x/d/f': 'text' })
      expect(tree.stat(toByteString('x/d/f'))).toMatchObject({ uid: 5, gid: 6 })
    })
  }

  test('leaves packed what COPY takes, what --unpack=false says, and what lies in a folder', async () => {
    const text = 'FROM scratch\nCOPY a.tar /1/\nADD --unpack=false a.tar /2/\nADD . /3/\n'
    const { tree } = await solveText(temporaryStore(), text, { context: packed('a.tar') })
    const names = Object.keys(listFiles(tree))
    expect(names).toEqual(expect.arrayContaining(['1/a.tar', '2/a.tar', '3/a.tar']))
  })

  test('takes a file that only looks like an archive as it is', async () => {
    const files = { 'fake.tar': 'no archive at all', 'fake.tar.gz': '\x1f\x8b no gzip', 'empty.tar': '' }
    const { tree } = await build('FROM scratch\nADD fake.tar fake.tar.gz empty.tar /\n', files)
    expect(Object.keys(listFiles(tree))).toEqual(['empty.tar', 'fake.tar', 'fake.tar.gz'])
  })

  test('names that mean something in layers mean nothing in archives', async () => {
    const context = contextFolder({ 'in/.wh.x': '1', base: '' })
    execFileSync('tar', ['-cf', path.join(context, 'a.tar'), '-C', path.join(context, 'in'), '.wh.x'])
    const adding = solveText(temporaryStore(), 'FROM scratch\nCOPY base /x\nADD a.tar /\n', { context })
    await expect(adding).rejects.toMatchObject({ code: 'LAYER_NAME_RESERVED', span: { line: 3 } })
  })
})
