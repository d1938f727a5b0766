import { execFileSync } from 'node:child_process'
import { linkSync, renameSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type ByteString, byteStringToBuffer, silentJob, toByteString } from '../../core/index.ts'
import { temporaryStore } from '../../store/fixture.suite.ts'
import { type ContextFile, contextFolder, digestFor } from '../fixture.suite.ts'
import { FileDigests } from './file-digests.ts'
import { FolderSource, type PathFilter } from './folder-source.ts'

const at = toByteString

function open(root: string, filter?: PathFilter): FolderSource {
  const digests = new FileDigests(temporaryStore().memos, root)
  return new FolderSource(root, { digests, where: 'in the build context', ...(filter ? { filter } : {}) })
}

const source = (files: Record<string, ContextFile>, filter?: PathFilter): FolderSource =>
  open(contextFolder(files), filter)

const names = (folder: FolderSource, name = ''): string[] => folder.list(at(name)).map((entry) => entry.path)

describe('entries', () => {
  test('say what a file is, and nothing about who has it here', () => {
    const root = contextFolder({ f: { text: '12345', mode: 0o4750 } })
    utimesSync(path.join(root, 'f'), 12.9, 12.9)
    expect(open(root).stat(at('f'))).toMatchObject({
      path: 'f',
      kind: 'file',
      mode: 0o4750,
      uid: 0,
      gid: 0,
      size: 5,
      mtime: { seconds: 12, nanoseconds: 0 },
      nlink: 1,
    })
  })

  test('times before 1970 are rounded down', () => {
    const root = contextFolder({ f: '' })
    execFileSync('touch', ['-d', '1969-12-31 23:59:58.5 UTC', path.join(root, 'f')])
    expect(open(root).stat(at('f'))!.mtime).toEqual({ seconds: -2, nanoseconds: 0 })
  })

  test('of a folder come in byte order', () => {
    expect(names(source({ b: '', 'a/': '', ä: '', Z: '', 'a.d/': '' }))).toEqual(['Z', 'a', 'a.d', 'b', at('ä')])
  })

  test('tell links that are hard by their inode', () => {
    const root = contextFolder({ a: '1' })
    linkSync(path.join(root, 'a'), path.join(root, 'b'))
    const [a, b] = open(root).list(at(''))
    expect(a).toMatchObject({ nlink: 2, inode: b!.inode })
  })

  test('are made of names that are no text, too', () => {
    const root = contextFolder()
    const name = '\xff\xfe' as ByteString
    writeFileSync(Buffer.concat([Buffer.from(`${root}/`), byteStringToBuffer(name)]), 'x')
    const folder = open(root)
    const [entry] = folder.list(at(''))
    expect(entry).toMatchObject({ path: name, size: 1 })
    expect(folder.digest(entry!, silentJob)).toBe(digestFor('x'))
  })

  test('FIFOs are some, sockets are none', async () => {
    const root = contextFolder()
    execFileSync('mkfifo', [path.join(root, 'pipe')])
    const server = net.createServer().listen(path.join(root, 'socket'))
    await new Promise((resolve) => server.once('listening', resolve))
    expect(
      open(root)
        .list(at(''))
        .map(({ kind }) => kind),
    ).toEqual(['fifo'])
    server.close()
  })

  test('that are not there are undefined, also below a file or with a name that is too long', () => {
    const folder = source({ f: '' })
    for (const name of ['x', 'f/x', 'x/y', 'n'.repeat(300)]) expect(folder.stat(at(name))).toBeUndefined()
  })
})

describe('symlinks', () => {
  const files = {
    'real/file': 'f',
    'real/up': { symlink: '../top' },
    top: 't',
    link: { symlink: 'real' },
    absolute: { symlink: '/real' },
    out: { symlink: '../../../../../etc' },
    chain: { symlink: 'link/up' },
    dangling: { symlink: 'nowhere/at/all' },
    loop: { symlink: 'loop' },
  }

  test.each([
    ['link/file', 'real/file'],
    ['absolute/file', 'real/file'],
    ['chain', 'top'],
    ['link/../top', 'top'],
    ['dangling/x', 'nowhere/at/all/x'],
    ['../../top', 'top'],
  ])('%s leads to %s', (from, to) => {
    expect(source(files).resolve(at(from))).toBe(to)
  })

  test('never lead out of the folder', () => {
    const folder = source(files)
    expect(folder.resolve(at('out/passwd'))).toBe('etc/passwd')
    expect(folder.stat(folder.resolve(at('out/passwd')))).toBeUndefined()
  })

  test('at the end of a path are themselves', () => {
    expect(source(files).stat(at('link'))).toMatchObject({ kind: 'symlink', link: 'real' })
    expect(source(files).stat(at('link/up'))).toMatchObject({ kind: 'symlink', path: 'real/up' })
  })

  test('in a circle are an error', () => {
    expect(() => source(files).resolve(at('loop/x'))).toThrow('too many levels of symbolic links: loop/x')
  })
})

describe('a filter', () => {
  const filter = (excluded: string[], within: string[] = []): PathFilter => ({
    excludes: (name) => excluded.includes(name),
    mayIncludeBelow: (name) => within.includes(name),
  })

  test('hides what it excludes, without asking what is below', () => {
    const folder = source({ a: '', 'b/c': '' }, filter(['b', 'b/c']))
    expect(names(folder)).toEqual(['a'])
    expect(folder.stat(at('b'))).toBeUndefined()
  })

  test('keeps an excluded folder in which something is left', () => {
    const folder = source({ 'b/c': '', 'b/d': '', 'e/f': '' }, filter(['b', 'b/c', 'e', 'e/f'], ['b', 'e']))
    expect(names(folder)).toEqual(['b'])
    expect(names(folder, 'b')).toEqual(['b/d'])
  })
})

test('a file that goes away during the build is said so', () => {
  const root = contextFolder({ 'd/f': '' })
  const folder = open(root)
  const [entry] = folder.list(at('d'))
  const gone = { ...entry!, path: at('d/other') }
  expect(() => folder.digest(gone, silentJob)).toThrow('d/other went away during the build')
})

test('a folder that becomes a link during the build leads nowhere', () => {
  const root = contextFolder({ 'd/e/f': 'inside', 'other/f': 'outside' })
  const folder = open(root)
  const [entry] = folder.list(at('d/e'))
  renameSync(path.join(root, 'd'), path.join(root, 'was'))
  symlinkSync('was', path.join(root, 'd'))
  expect(() => folder.digest(entry!, silentJob)).toThrow('d/e/f changed while the build read it')
  expect(() => folder.list(at('d/e'))).toThrow('d/e changed while the build read it')
  expect(() => folder.list(at('d'))).toThrow('d changed while the build read it')
})

test('the root of the machine is a folder like any other', () => {
  const folder = open('/')
  expect(folder.stat(at('etc'))).toMatchObject({ kind: 'directory' })
  expect(folder.body({ ...folder.stat(at('etc'))!, path: at('etc/passwd') })).toEqual({
    hostPath: '/etc/passwd',
    exact: true,
  })
})
