import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { hearingJob } from '../../container/fixture.suite.ts'
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

  test('all of nothing is an empty folder', async () => {
    for (const nothing of [
      'FROM scratch AS one\nFROM scratch\nCOPY --from=one / /d\n',
      'FROM scratch\nCOPY --from=scratch / /d\n',
    ]) {
      const { tree } = await build(nothing, {})
      expect(tree.stat(toByteString('d'))).toMatchObject({ kind: 'directory', mode: 0o755, uid: 0, gid: 0 })
      expect(tree.list(toByteString('d'))).toEqual([])
    }
  })

  test('a source that is missing is told with its line and where it was looked for', async () => {
    expect(await errorOf(build('FROM scratch\nCOPY a b /\n', { a: '' }))).toBe(
      '2: failed to compute cache key: failed to calculate checksum of ref: "/b": not found in the build context',
    )
    const stage = 'FROM scratch AS one\nFROM scratch\nCOPY --from=one /a /\n'
    expect(await errorOf(build(stage, {}))).toBe(
      '3: failed to compute cache key: failed to calculate checksum of ref: "/a": not found in the stage',
    )
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

describe('ADD of an archive with a hard link to a file of the base', () => {
  /** A base with two files, and an archive with a link to `target`. */
  function linking(target: string, more: string[] = []): { context: string; base: string } {
    const context = contextFolder({
      'in/etc/passwd': 'of the archive',
      'base/etc/passwd': 'of the base',
      'base/f': 'f',
    })
    const inside = path.join(context, 'in')
    linkSync(path.join(inside, 'etc/passwd'), path.join(inside, 'link'))
    // of two names the second is a link; the first is left out of the archive afterwards
    const archive = path.join(context, 'a.tar')
    execFileSync('tar', ['-cf', archive, '-C', inside, 'etc/passwd', 'link', `--transform=s,^etc/passwd$,${target},`])
    execFileSync('tar', ['--delete', '-f', archive, target])
    if (more.length > 0) execFileSync('tar', ['-rf', archive, '-C', inside, ...more])
    return { context, base: 'FROM scratch\nCOPY base /\n' }
  }

  test('brings that file along, as one of two names', async () => {
    const { context, base } = linking('etc/passwd')
    const { tree, diffIds } = await solveText(temporaryStore(), `${base}ADD a.tar /\n`, { context })
    expect(listFiles(tree)).toMatchObject({ 'etc/passwd': 'of the base', link: 'of the base' })
    const [one, other] = ['etc/passwd', 'link'].map((name) => tree.stat(toByteString(name))!)
    expect(one).toMatchObject({ inode: other!.inode, nlink: 2 })
    expect(diffIds).toHaveLength(2)
  })

  test('looks for it below the destination', async () => {
    const { context } = linking('passwd')
    const text = (dest: string): string => `FROM scratch\nCOPY base /\nADD a.tar ${dest}\n`
    const { tree } = await solveText(temporaryStore(), text('/etc/'), { context })
    expect(listFiles(tree)['etc/link']).toBe('of the base')
    expect(await errorOf(solveText(temporaryStore(), text('/'), { context }))).toMatch(/^3: .*no such file/)
  })

  test('takes the file that the archive brings later, for its own name', async () => {
    const { context, base } = linking('etc/passwd', ['etc/passwd'])
    const { tree } = await solveText(temporaryStore(), `${base}ADD a.tar /\n`, { context })
    expect(listFiles(tree)).toMatchObject({ 'etc/passwd': 'of the archive', link: 'of the base' })
  })
})

describe('COPY --exclude', () => {
  const FILES = { 'd/a.md': '', 'd/b.txt': '', 'd/s/c.md': '', 'd/s/e/f.txt': '', 'e.md': '' }

  test.each<[string, string[]]>([
    ['--exclude=*.md d /x/', ['b.txt', 's', 's/c.md', 's/e', 's/e/f.txt']],
    ['--exclude=**/*.md --exclude=s/e d /x/', ['b.txt', 's']],
    ['--exclude=s d /x/', ['a.md', 'b.txt']],
    ['--exclude=s --exclude=!s/e/f.txt d /x/', ['a.md', 'b.txt', 's', 's/e', 's/e/f.txt']],
    ['--exclude=* d /x/', []],
    ['--exclude=/a.md --exclude= d /x/', ['a.md', 'b.txt', 's', 's/c.md', 's/e', 's/e/f.txt']],
    // as in Docker, relative to what is copied, and not for a file that is named itself
    ['--exclude=d/a.md --exclude=e.md d e.md /x/', ['a.md', 'b.txt', 'e.md', 's', 's/c.md', 's/e', 's/e/f.txt']],
  ])('%s', async (words, names) => {
    const { tree } = await build(`FROM scratch\nCOPY ${words}\n`, FILES)
    const found = [...tree.walk()].map((entry) => entry.path).filter((name) => name.startsWith('x/'))
    expect(found.map((name) => name.slice(2)).sort()).toEqual(names)
  })

  test('counts for files of a stage, for ADD, and for the cache', async () => {
    const store = temporaryStore()
    const text = (line: string): string => `FROM scratch AS one\nCOPY d /d\nFROM scratch\n${line}\n`
    const context = contextFolder(FILES)
    const stage = await solveText(store, text('COPY --from=one --exclude=s /d /x'), { context })
    expect(Object.keys(listFiles(stage.tree))).toEqual(['x/', 'x/a.md', 'x/b.txt'])
    const add = await solveText(store, text('ADD --exclude=s --exclude=*.txt d /x/'), { context })
    expect(Object.keys(listFiles(add.tree))).toEqual(['x/', 'x/a.md'])
    writeFileSync(path.join(context, 'd/b.txt'), 'other')
    const again = await solveText(store, text('ADD --exclude=s --exclude=*.txt d /x/'), { context })
    expect(again.outcomes).toEqual({ 'ADD d /x/ # buildkit': 'cached' })
  })
})

describe('COPY --link', () => {
  test('makes a layer that any base takes: built once, and found again on another', async () => {
    const store = temporaryStore()
    const context = contextFolder({ 'd/f': 'text', one: '1', two: '2' })
    const text = (base: string): string => `FROM scratch\nCOPY ${base} /base\nCOPY --link d /x/y/\nCOPY one /one\n`
    const first = await solveText(store, text('one'), { context })
    const second = await solveText(store, text('two'), { context })
    expect(second.outcomes).toMatchObject({ 'COPY d /x/y/ # buildkit': 'cached', 'COPY one /one # buildkit': 'done' })
    expect(second.diffIds).toHaveLength(3)
    expect(second.diffIds[0]).not.toBe(first.diffIds[0])
    expect(second.diffIds[1]).toBe(first.diffIds[1])
    expect(listFiles(second.tree)).toEqual({ base: '2', one: '1', 'x/': '', 'x/y/': '', 'x/y/f': 'text' })
  })

  test('neither follows nor sees what is below', async () => {
    const text = 'FROM scratch\nCOPY base /\nCOPY --link f /link/\nCOPY --link f /folder\nCOPY --link f /kept/\n'
    const files = {
      'base/link': { symlink: 'else' },
      'base/else/': '',
      'base/folder/g': '',
      'base/kept/g': 'g',
      f: 'f',
    }
    const { tree } = await build(text, files)
    expect(listFiles(tree)).toEqual({
      'else/': '',
      folder: 'f',
      'kept/': '',
      'kept/f': 'f',
      'kept/g': 'g',
      'link/': '',
      'link/f': 'f',
    })
  })

  test('knows no names of users, as in Docker', async () => {
    const text = (owner: string): string =>
      `FROM scratch\nCOPY <<EOF /etc/passwd\nweb:x:7:8::/:/bin/sh\nEOF\nCOPY --link --chown=${owner} f /x/\n`
    const { tree } = await build(text('5:6'), { f: '' })
    expect(tree.stat(toByteString('x/f'))).toMatchObject({ uid: 5, gid: 6 })
    await expect(build(text('web'), { f: '' })).rejects.toMatchObject({ code: 'USER_UNKNOWN', span: { line: 5 } })
  })

  test('is one layer, though two stages want it', async () => {
    const text = 'FROM scratch AS a\nCOPY --link f /\nFROM scratch AS b\nCOPY --link f /\nFROM b\nCOPY --from=a / /a\n'
    const job = hearingJob()
    await solveText(temporaryStore(), text, { context: contextFolder({ f: '' }), job })
    expect(job.events.filter((event) => event.type === 'started' && event.name.includes('--link'))).toHaveLength(1)
  })
})

describe('--chown and here-documents', () => {
  test('names are those of the stage, also for folders that are made', async () => {
    const text =
      'FROM scratch\nCOPY <<A /etc/passwd\nweb:x:7:8::/:/bin/sh\nA\nCOPY --chown=web --chmod=u+x,go-r f <<two /x/y/\n2\ntwo\n'
    const { tree } = await build(text, { f: '1' })
    const found = ['x', 'x/y', 'x/y/f', 'x/y/two'].map((name) => tree.stat(toByteString(name))!)
    expect(found.map(({ mode, uid, gid }) => [mode, uid, gid])).toEqual([
      [0o755, 7, 8],
      [0o755, 7, 8],
      [0o700, 7, 8],
      [0o700, 7, 8],
    ])
  })
})
