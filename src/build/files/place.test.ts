import { describe, expect, test } from 'vitest'
import { toByteString } from '../../core/index.ts'
import type { FileTree } from '../../layer/index.ts'
import { addLayers, type Member, temporaryStore } from '../../store/fixture.suite.ts'
import { type ContextFile, contextFolder } from '../fixture.suite.ts'
import { FileDigests } from './file-digests.ts'
import { FolderSource } from './folder-source.ts'
import { parseModeChange } from './mode.ts'
import { type PlacementOptions, planPlacement } from './place.ts'
import { type Selected, selectFiles } from './select.ts'
import { TreeSource } from './tree-source.ts'

type Names = Readonly<Record<string, Member>>

async function treeOf(names: Names): Promise<FileTree> {
  const store = temporaryStore()
  return store.layers.tree(Object.keys(names).length === 0 ? [] : await addLayers(store, names))
}

function contextSource(files: Record<string, ContextFile>): FolderSource {
  const root = contextFolder(files)
  return new FolderSource(root, { digests: new FileDigests(temporaryStore().memos, root), where: 'here' })
}

const FILES = { f: '1', g: '2', 'd/one': '1', 'd/sub/two': '2', link: { symlink: 'f' }, 'd/link': { symlink: 'one' } }

interface Case extends Partial<PlacementOptions> {
  base?: Names
  files?: Record<string, ContextFile>
}

/** What placing these sources plans, as `path kind`. */
async function place(
  sources: string[],
  dest: string,
  { base = {}, files = FILES, ...rest }: Case = {},
): Promise<string[]> {
  const selection = sources.flatMap((source) => selectFiles(contextSource(files), source))
  const planned = planPlacement(selection, await treeOf(base), { dest, time: 5, ...rest })
  return planned.map(({ path, kind, link }) => `${path} ${kind}${link === undefined ? '' : ` ${link}`}`)
}

describe('a file', () => {
  test.each([
    ['/x', {}, ['x file']],
    ['/x/', {}, ['x directory', 'x/f file']],
    ['/', {}, ['f file']],
    ['/a/b/x', {}, ['a directory', 'a/b directory', 'a/b/x file']],
    ['/dir', { 'dir/': '' }, ['dir directory', 'dir/f file']],
    ['/link', { 'dir/': '', link: { symlink: 'dir' } }, ['dir directory', 'dir/f file']],
    ['/link/x', { 'dir/': '', link: { symlink: '/dir' } }, ['dir directory', 'dir/x file']],
    ['/link', { 'dir/': '', link: { symlink: '../../dir' } }, ['dir directory', 'dir/f file']],
    ['/link', { link: { symlink: 'elsewhere/x' } }, ['elsewhere directory', 'elsewhere/x file']],
    ['/x', { x: 'old' }, ['x file']],
  ] as [string, Names, string[]][])('goes to %s over %j', async (dest, base, expected) => {
    expect(await place(['f'], dest, { base })).toEqual(expected)
  })

  test('that is a symlink where it is named is what it leads to', async () => {
    expect(await place(['link'], '/x/')).toEqual(['x directory', 'x/link file'])
  })
})

describe('a folder', () => {
  test('gives its contents, links as links', async () => {
    expect(await place(['d'], '/x')).toEqual([
      'x directory',
      'x/link symlink one',
      'x/one file',
      'x/sub directory',
      'x/sub/two file',
    ])
  })

  test('merges into what is there', async () => {
    const base: Names = { 'x/': { directory: true, mode: 0o700, uid: 5 }, 'x/sub/': '', 'x/old': '' }
    const planned = planPlacement(selectFiles(contextSource(FILES), 'd'), await treeOf(base), { dest: '/x', time: 5 })
    const names = planned.map(({ path }) => path)
    expect(names).toEqual(['x', 'x/link', 'x/one', 'x/sub', 'x/sub/two'])
    expect(planned[0]!.attributes).toMatchObject({ mode: 0o700, uid: 5 })
  })

  test('several sources land beside one another, the later one winning', async () => {
    expect(await place(['f', 'g', 'd/sub'], '/x/')).toEqual(['x directory', 'x/f file', 'x/g file', 'x/two file'])
    const files = { 'a/f': '1', 'b/f': '22' }
    const selection = ['a/f', 'b/f'].flatMap((name) => selectFiles(contextSource(files), name))
    const planned = planPlacement(selection, await treeOf({}), { dest: '/x/', time: 5 })
    expect(planned.map(({ path, size }) => `${path} ${size}`)).toEqual(['x 0', 'x/f 2'])
  })

  test('nothing selected makes nothing, not even the destination', async () => {
    expect(await place(['no*'], '/x/')).toEqual([])
  })
})

describe('what cannot be', () => {
  test.each([
    ['f', '/x/y', { x: '' }, 'mkdir /x: not a directory'],
    ['d', '/x', { x: '' }, 'cannot copy to non-directory: /x'],
    ['d', '/x', { 'x/': '', 'x/sub': '' }, 'cannot copy to non-directory: /x/sub'],
    ['d', '/x', { 'x/one/': '' }, 'cannot replace to directory /x/one with file'],
  ] as [string, string, Names, string][])('%s to %s over %j', async (source, dest, base, message) => {
    await expect(place([source], dest, { base })).rejects.toThrow(message)
  })

  test('symlinks of the base in a circle', async () => {
    await expect(place(['f'], '/a/x', { base: { a: { symlink: 'b' }, b: { symlink: 'a' } } })).rejects.toMatchObject({
      code: 'TREE_SYMLINK_LOOP',
    })
  })
})

describe('owners, modes and times', () => {
  const attributesOf = async (dest: string, options: Case, source = 'd') => {
    const selection = selectFiles(contextSource(options.files ?? FILES), source)
    const planned = planPlacement(selection, await treeOf(options.base ?? {}), { dest, time: 5, ...options })
    return Object.fromEntries(
      planned.map(({ path, attributes: { mode, uid, gid, mtime } }) => [
        path,
        `${mode.toString(8)} ${uid}:${gid}${mtime.seconds === 5 ? ' made' : ''}`,
      ]),
    )
  }

  test('without flags all belongs to root, with the modes it has', async () => {
    expect(await attributesOf('/new/x', {})).toEqual({
      new: '755 0:0 made',
      'new/x': '755 0:0',
      'new/x/link': '777 0:0',
      'new/x/one': '644 0:0',
      'new/x/sub': '755 0:0',
      'new/x/sub/two': '644 0:0',
    })
  })

  test('--chown is for all that is placed, and for folders that are made', async () => {
    const found = await attributesOf('/there/new/', { owner: { uid: 1, gid: 2 }, base: { 'there/': '' } }, 'f')
    expect(found).toEqual({ there: '755 0:0', 'there/new': '755 1:2 made', 'there/new/f': '644 1:2' })
  })

  test('--chmod is for files and folders, not for links', async () => {
    expect(await attributesOf('/x', { mode: parseModeChange('u=rwX,go=') })).toMatchObject({
      'x/link': '777 0:0',
      'x/one': '600 0:0',
      'x/sub': '700 0:0',
    })
  })

  test('folders that are made take an octal --chmod through a umask', async () => {
    expect(await attributesOf('/x/', { mode: parseModeChange('777') }, 'f')).toEqual({
      x: '755 0:0 made',
      'x/f': '777 0:0',
    })
  })
})

describe('links and attributes of another image', () => {
  test('hard links stay together within one source', async () => {
    const source = new TreeSource(
      await treeOf({ 'd/a': '1', 'd/b': { hardlink: 'd/a' }, c: { hardlink: 'd/a' } }),
      'there',
    )
    const select = (...names: string[]): Selected[] => names.flatMap((name) => selectFiles(source, name))
    const options = { dest: '/x/', time: 5 }
    const links = planPlacement(select('d'), await treeOf({}), options)
    expect(links.map(({ path, hardLinkTo }) => [path, hardLinkTo])).toEqual([
      ['x', undefined],
      ['x/a', undefined],
      ['x/b', 'x/a'],
    ])
    const apart = planPlacement(select('d/a', 'd/b', 'c'), await treeOf({}), options)
    expect(apart.filter(({ hardLinkTo }) => hardLinkTo !== undefined)).toEqual([])
  })

  test('owners are kept, capabilities too, other attributes not', async () => {
    const capability = '\x01\0\0\x02'
    const xattrs = { 'security.capability': capability, 'user.x': 'y' }
    const source = new TreeSource(await treeOf({ f: { file: '', uid: 7, gid: 8, xattrs } }), 'there')
    const [planned] = planPlacement(selectFiles(source, 'f'), await treeOf({}), { dest: '/x', time: 5 })
    expect(planned!.attributes).toMatchObject({ uid: 7, gid: 8 })
    expect([...planned!.attributes.xattrs!.keys()]).toEqual(['security.capability'])
  })

  test('devices and FIFOs are placed as they are', async () => {
    const source = new TreeSource(await treeOf({ zero: { char: [1, 5] } }), 'there')
    const [planned] = planPlacement(selectFiles(source, 'zero'), await treeOf({}), { dest: '/x', time: 5 })
    expect(planned).toMatchObject({ kind: 'char', device: { major: 1, minor: 5 } })
  })
})

describe('entries of an archive', () => {
  const unpack = async (archive: Names, base: Names, dest = '/x/'): Promise<string[]> => {
    const source = new TreeSource(await treeOf(archive), 'in the archive')
    const selection = selectFiles(source, '/').map((selected) => ({ ...selected, unpacked: true }))
    const planned = planPlacement(selection, await treeOf(base), { dest, time: 5 })
    return planned.map(({ path, kind }) => `${path} ${kind}`)
  }

  test('take the place of what is in their way', async () => {
    expect(await unpack({ a: 'file', 'b/': '' }, { 'x/a/': '', 'x/a/inside': '', 'x/b': 'file' })).toEqual([
      'x directory',
      'x/a file',
      'x/b directory',
    ])
  })

  test('that are folders merge into folders', async () => {
    expect(await unpack({ 'a/': '', 'a/new': '' }, { 'x/a/': '', 'x/a/old': '' })).toEqual([
      'x directory',
      'x/a directory',
      'x/a/new file',
    ])
  })

  test('that are folders replace a symlink, unless the archive only implies them', async () => {
    const base: Names = { 'x/a': { symlink: '/y' }, 'y/': '' }
    expect(await unpack({ 'a/': { directory: true, mode: 0o700 }, 'a/f': '' }, base)).toContain('x/a/f file')
    expect(await unpack({ 'a/f': '' }, base)).toContain('y/f file')
  })

  test('cannot land on a file', async () => {
    await expect(unpack({ f: '' }, { x: 'file' }, '/x')).rejects.toThrow('mkdir /x: not a directory')
  })
})

test('a path that the plan itself put there counts for what comes after', async () => {
  const files = { 'a/x/f': '', 'b/x': '' }
  const selection = ['a', 'b'].flatMap((name) => selectFiles(contextSource(files), name))
  const base = await treeOf({})
  expect(() => planPlacement(selection, base, { dest: '/', time: 5 })).toThrow(
    'cannot replace to directory /x with file',
  )
  expect(base.stat(toByteString('x'))).toBeUndefined()
})
