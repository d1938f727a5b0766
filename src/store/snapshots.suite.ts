import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Digest, digestOf, silentJob, toByteString } from '../core/index.ts'
import { isRoot, leaveForPrivateMounts } from '../host/child.suite.ts'
import { getXattr, listXattrs, type Mount, mount, unmount } from '../host/index.ts'
import { type Described, describeDirectory, describeFileTree, differences } from '../layer/host-tree.suite.ts'
import { createLayerWriter, diffUpper, unpackLayer } from '../layer/index.ts'
import { addLayer, addLayers, type Member, type TestStore, tarOf, temporaryStore } from './fixture.suite.ts'
import type { Snapshotter, StackPart } from './index.ts'

/** What is mounted on in every stack, image or not. */
const MOUNT_POINTS = ['dev', 'etc', 'etc/hostname', 'etc/hosts', 'etc/resolv.conf', 'proc', 'sys']

/** How the layers of a test become the parts of a stack. */
export interface StackForm {
  name: string
  /** How many layers, from the top, are directories whose commit is under way. */
  pending: number
}

/**
 * The contract of snapshotters, with real mounts. Every case is run with stacks of committed layers, and with stacks
 * whose upper layers are directories yet.
 */
export function snapshotterSuite(kind: Snapshotter['kind'], forms: readonly StackForm[]): void {
  describe.skipIf(!isRoot).each(forms)(`${kind}, $name (needs root)`, ({ pending }) => {
    beforeAll(() => leaveForPrivateMounts())
    suite(kind, pending)
  })
}

function suite(kind: Snapshotter['kind'], pending: number): void {
  const mounted: string[] = []
  let store: TestStore
  let snapshots: Snapshotter
  let places = 0

  afterEach(() => {
    for (const target of mounted.splice(0).reverse()) unmount(target, { detach: true })
  })

  function open(inside = ''): void {
    store = temporaryStore(inside)
    snapshots = store.snapshotter(kind)
  }

  function place(): string {
    const target = path.join(store.root, `place-${++places}`)
    mkdirSync(target)
    return target
  }

  /** Mounts what a snapshotter says; returns where. */
  function mountAll(mounts: readonly Mount[]): string {
    const at = place()
    for (const each of mounts) {
      const target = each.target ?? at
      if (mounted.includes(target)) continue
      mkdirSync(target, { recursive: true })
      mount(each, target)
      mounted.push(target)
    }
    return at
  }

  const layersFolder = (): string => path.join(store.root, 'shared-layers')

  async function prepare(key: string, stack: readonly StackPart[]): Promise<string> {
    return mountAll(await snapshots.prepare(key, stack, layersFolder(), silentJob))
  }

  async function view(stack: readonly StackPart[]): Promise<string> {
    return mountAll(await snapshots.view(stack, layersFolder(), silentJob))
  }

  /** The parts of a stack of layers; the uppermost are directories, as the tests of this form want it. */
  async function parts(diffIds: readonly Digest[]): Promise<StackPart[]> {
    const cut = Math.max(0, diffIds.length - pending)
    const directories: StackPart[] = []
    for (let at = cut; at < diffIds.length; at++) directories.push({ directory: await unpacked(diffIds, at) })
    return [...diffIds.slice(0, cut).map((diffId) => ({ diffId })), ...directories]
  }

  async function unpacked(diffIds: readonly Digest[], at: number): Promise<string> {
    const target = place()
    const { openLayer } = await import('../layer/index.ts')
    const index = (await store.layers.indexes(diffIds.slice(0, at + 1))).at(-1)!
    const layer = openLayer(index, (diffId) => store.blobs.path(diffId))
    await unpackLayer(layer, target, { whiteouts: 'overlay-trusted' })
    // as if it had been the upper directory of a stack
    const root = (await store.layers.tree(diffIds.slice(0, at + 1))).stat(toByteString(''))
    if (root) {
      chmodSync(target, root.mode)
      chownSync(target, root.uid, root.gid)
    }
    return target
  }

  /** Puts layers into a new store and mounts a writable stack of them. */
  async function stackOf(...layers: Readonly<Record<string, Member>>[]): Promise<{ at: string; diffIds: Digest[] }> {
    open()
    const diffIds = await addLayers(store, ...layers)
    return { at: await prepare('key', await parts(diffIds)), diffIds }
  }

  /** Everything in a stack, without the places that are only there to be mounted on. */
  function described(at: string, known: ReadonlyMap<string, unknown> = new Map()): Map<string, Described> {
    const all = describeDirectory(at)
    for (const name of MOUNT_POINTS) if (!known.has(name)) all.delete(name)
    return all
  }

  function names(at: string): string[] {
    return [...described(at).keys()].filter((name) => name !== '').sort()
  }

  /** Turns what was written to an active snapshot into a layer. */
  async function commit(key: string, diffIds: readonly Digest[]): Promise<Digest> {
    const files = store.layers.temporary(store.testLease)
    const writer = createLayerWriter(files)
    await diffUpper(snapshots.upper(key), writer, { lower: await store.layers.tree(diffIds) })
    return store.layers.adopt(files, writer.finish(), store.testLease).diffId
  }

  /** Lines that tell a stack from what the indexes say. Directories' link counts and times are the file system's own. */
  async function differencesFromTree(at: string, diffIds: readonly Digest[]): Promise<string[]> {
    const tree = await describeFileTree(await store.layers.tree(diffIds))
    const ignore = { ignoreDirectoryLinks: true, ignoreRoot: true }
    return differences(tree, described(at, tree), ignore)
  }

  describe('a stack', () => {
    test('shows the files of all layers, and takes changes', async () => {
      const { at } = await stackOf({ 'd/': '', 'd/low': '1', both: 'low' }, { 'd/high': '2', both: 'high' })
      expect(names(at)).toEqual(['both', 'd', 'd/high', 'd/low'])
      expect(readFileSync(path.join(at, 'both'), 'utf8')).toBe('high')
      writeFileSync(path.join(at, 'd/low'), 'changed')
      rmSync(path.join(at, 'both'))
      expect(names(at)).toEqual(['d', 'd/high', 'd/low'])
      expect(readdirSync(snapshots.upper('key')).sort()).toEqual(['both', 'd'])
    })

    test('has the places that a runtime mounts on, and none of them is a change', async () => {
      const { at, diffIds } = await stackOf({ a: 'x' })
      for (const name of MOUNT_POINTS) expect(existsSync(path.join(at, name)), name).toBe(true)
      expect(readdirSync(snapshots.upper('key'))).toEqual([])
      const diffId = await commit('key', diffIds)
      expect(store.layers.get(diffId)!.entries).toBe(0)
    })

    test('of nothing', async () => {
      open()
      const at = await prepare('key', [])
      expect(names(at)).toEqual([])
      writeFileSync(path.join(at, 'new'), 'x')
      expect(readdirSync(snapshots.upper('key'))).toEqual(['new'])
      expect(names(await view([]))).toEqual([])
    })

    test('of empty layers', async () => {
      open()
      const { diffId } = await addLayer(store, tarOf({}))
      const at = await prepare('key', await parts([diffId, diffId]))
      expect(names(at)).toEqual([])
      expect(names(await view(await parts([diffId])))).toEqual([])
    })

    test('with the same layer twice or three times', async () => {
      open()
      const [a, b] = await addLayers(store, { x: 'a', 'd/': '', 'd/a': '1' }, { x: 'b', '.wh.d': '' })
      for (const [at, stack] of [
        [a!, b!, a!],
        [b!, a!, b!],
        [a!, a!, a!],
      ].entries()) {
        const where = await prepare(`key-${at}`, await parts(stack))
        expect(await differencesFromTree(where, stack)).toEqual([])
      }
    })

    test('a layer above a directory is not possible', async () => {
      open()
      const [a] = await addLayers(store, { x: 'a' })
      const impossible = [{ directory: place() }, { diffId: a! }]
      await expect(prepare('key', impossible)).rejects.toMatchObject({ code: 'INTERNAL' })
    })

    test('a layer that is not there', async () => {
      open()
      await expect(prepare('key', [{ diffId: digestOf(Buffer.from('nothing')) }])).rejects.toMatchObject({
        code: 'BLOB_NOT_FOUND',
      })
    })
  })

  describe('whiteouts', () => {
    test('hide files and folders', async () => {
      const { at } = await stackOf(
        { file: 'x', 'd/': '', 'd/x': '1', 'd/y': '2', link: { symlink: 'file' } },
        { '.wh.file': '', 'd/.wh.x': '', '.wh.link': '' },
      )
      expect(names(at)).toEqual(['d', 'd/y'])
      expect(existsSync(path.join(at, 'file'))).toBe(false)
    })

    test.each([
      ['that only one layer has', { a: 'x' }, { 'd/': '', 'd/y': '2', 'd/.wh.x': '' }],
      [
        'that is opaque',
        { 'd/': '', 'd/x': '1', 'd/z': '3' },
        { 'd/': '', 'd/.wh..wh..opq': '', 'd/y': '2', 'd/.wh.x': '' },
      ],
      ['that took the place of a file', { d: 'file' }, { 'd/': '', 'd/y': '2', 'd/.wh.x': '' }],
    ] as [string, Record<string, Member>, Record<string, Member>][])(
      'do not show up when a folder is listed %s',
      async (_which, low, high) => {
        const { at, diffIds } = await stackOf(low, high)
        expect(readdirSync(path.join(at, 'd'))).toEqual(['y'])
        expect(execFileSync('ls', ['-A', path.join(at, 'd')], { encoding: 'utf8' })).toBe('y\n')
        expect(await differencesFromTree(at, diffIds)).toEqual([])
      },
    )

    test('of a folder, and a new folder of that name, in one layer', async () => {
      const { at } = await stackOf({ 'd/': '', 'd/old': '1' }, { '.wh.d': '', 'd/': '', 'd/new': '2' })
      expect(names(at)).toEqual(['d', 'd/new'])
    })

    test('below a folder that a later layer opens again', async () => {
      const { at } = await stackOf(
        { 'd/': '', 'd/e/': '', 'd/e/f': '1' },
        { '.wh.d': '' },
        { 'd/': '', 'd/e/': '', 'd/e/g': '2' },
      )
      expect(names(at)).toEqual(['d', 'd/e', 'd/e/g'])
    })

    test('opaque folders hide what is below, not what is beside or above', async () => {
      const { at } = await stackOf(
        { 'd/': '', 'd/low': '1', 'e/': '', 'e/low': '1' },
        { 'd/': '', 'd/.wh..wh..opq': '', 'd/middle': '2', 'e/middle': '2' },
        { 'd/high': '3' },
      )
      expect(names(at)).toEqual(['d', 'd/high', 'd/middle', 'e', 'e/low', 'e/middle'])
    })

    // overlayfs cannot make the root of an upper directory opaque
    test.skipIf(pending > 0)('an opaque root hides everything', async () => {
      const { at } = await stackOf({ low: '1', 'd/': '', 'd/x': '' }, { '.wh..wh..opq': '', high: '2' })
      expect(names(at)).toEqual(['high'])
    })
  })

  describe('attributes', () => {
    test('of the root are those of the image', async () => {
      open()
      const [low, high] = await addLayers(
        store,
        { './': { directory: true, mode: 0o1750, uid: 5, gid: 6 }, a: 'x' },
        { b: 'y' },
      )
      const at = await prepare('key', await parts([low!, high!]))
      const root = lstatSync(at)
      expect([(root.mode & 0o7777).toString(8), root.uid, root.gid]).toEqual(['1750', 5, 6])
    })

    test('of a folder that an upper layer only implies stay as they were', async () => {
      const { at, diffIds } = await stackOf(
        { 'd/': { directory: true, mode: 0o700, uid: 7, gid: 8, mtime: 12345 }, 'd/low': '1' },
        { 'd/high': '2' },
      )
      const stat = lstatSync(path.join(at, 'd'))
      expect([(stat.mode & 0o7777).toString(8), stat.uid, stat.gid]).toEqual(['700', 7, 8])
      expect(await differencesFromTree(at, diffIds)).toEqual([])
    })

    test('modes, owners, times, links, devices and extended attributes are as in the archive', async () => {
      const { at, diffIds } = await stackOf(
        {
          suid: { file: 'x', mode: 0o4755, uid: 1000, gid: 70_000, mtime: 1 },
          caps: {
            file: 'y',
            xattrs: { 'user.note': 'hello', 'security.capability': '\x01\0\0\x02\0\x20\0\0'.padEnd(20, '\0') },
          },
          'other name': { hardlink: 'suid' },
          null: { char: [1, 3] },
          link: { symlink: '/suid' },
        },
        { 'later name': { hardlink: 'caps' } },
      )
      expect(await differencesFromTree(at, diffIds)).toEqual([])
      expect(lstatSync(path.join(at, 'suid')).mode & 0o7777).toBe(0o4755)
      expect(getXattr(path.join(at, 'caps'), 'user.note')?.toString()).toBe('hello')
      expect(lstatSync(path.join(at, 'null')).isCharacterDevice()).toBe(true)
    })
  })

  test('what an archive says in overlayfs’ own attributes has no effect', async () => {
    const xattrs = { 'trusted.overlay.opaque': 'y', 'trusted.overlay.redirect': '/secret', 'user.kept': '1' }
    const { at, diffIds } = await stackOf(
      { 'd/': '', 'd/low': '1', 'secret/': '', 'secret/s': '2' },
      { 'd/': { directory: true, xattrs }, 'd/high': { file: '3', xattrs: { 'trusted.overlay.metacopy': '' } } },
    )
    expect(readdirSync(path.join(at, 'd')).sort()).toEqual(['high', 'low'])
    expect(readFileSync(path.join(at, 'd/high'), 'utf8')).toBe('3')
    expect(await differencesFromTree(at, diffIds)).toEqual([])
  })

  describe('changes', () => {
    test('renaming a folder of a lower layer is refused, and mv copies', async () => {
      const { at, diffIds } = await stackOf({ 'd/': '', 'd/x': '1', 'd/sub/': '', 'd/sub/y': '2' }, { 'd/z': '3' })
      expect(() => renameSync(path.join(at, 'd'), path.join(at, 'e'))).toThrow(/EXDEV/)
      execFileSync('mv', [path.join(at, 'd'), path.join(at, 'e')])
      expect(names(at)).toEqual(['e', 'e/sub', 'e/sub/y', 'e/x', 'e/z'])
      expect(unreadableAttributes(snapshots.upper('key'))).toEqual([])
      const committed = await commit('key', diffIds)
      expect(names(await view([...diffIds, committed].map((diffId) => ({ diffId }))))).toEqual(names(at))
    })

    test('changing attributes copies the whole file: the upper directory needs nothing of the lower', async () => {
      const { at } = await stackOf({ big: 'x'.repeat(100_000), 'd/': '', 'd/f': '1' })
      chmodSync(path.join(at, 'big'), 0o600)
      chownSync(path.join(at, 'd'), 5, 6)
      const upper = path.join(snapshots.upper('key'), 'big')
      expect(readFileSync(upper, 'utf8')).toBe('x'.repeat(100_000))
      expect(lstatSync(upper).blocks * 512).toBeGreaterThanOrEqual(100_000)
      expect(unreadableAttributes(snapshots.upper('key'))).toEqual([])
    })

    test('are a layer after a commit: the new stack is the old one with its changes', async () => {
      const { at, diffIds } = await stackOf(
        { 'd/': '', 'd/x': '1', 'gone/': '', 'gone/y': '2', file: 'f', again: { hardlink: 'file' } },
        { 'opened/': '', 'opened/z': '3' },
      )
      writeFileSync(path.join(at, 'new'), 'n')
      writeFileSync(path.join(at, 'd/x'), 'changed')
      rmSync(path.join(at, 'gone'), { recursive: true })
      rmSync(path.join(at, 'opened'), { recursive: true })
      mkdirSync(path.join(at, 'opened'))
      symlinkSync('new', path.join(at, 'link'))
      chmodSync(path.join(at, 'file'), 0o600)
      const before = wholeSeconds(described(at))
      const committed = [...diffIds, await commit('key', diffIds)]
      const again = await view(committed.map((diffId) => ({ diffId })))
      const ignore = { ignoreDirectoryLinks: true, ignoreRoot: true }
      expect(differences(before, wholeSeconds(described(again)), ignore)).toEqual([])
      expect(await differencesFromTree(again, committed)).toEqual([])
    })

    test('of one snapshot are not seen in another of the same stack', async () => {
      const { at, diffIds } = await stackOf({ a: 'x' })
      writeFileSync(path.join(at, 'a'), 'mine')
      const second = await prepare('second', await parts(diffIds))
      expect(readFileSync(path.join(second, 'a'), 'utf8')).toBe('x')
    })

    test('are there when the snapshot is prepared and mounted again', async () => {
      const { at, diffIds } = await stackOf({ a: 'x' })
      writeFileSync(path.join(at, 'new'), 'kept')
      chmodSync(at, 0o700)
      unmount(at, { detach: true })
      mounted.splice(mounted.indexOf(at), 1)
      const again = await prepare('key', await parts(diffIds))
      expect(readFileSync(path.join(again, 'new'), 'utf8')).toBe('kept')
      expect(lstatSync(again).mode & 0o777).toBe(0o700)
    })
  })

  describe('a view', () => {
    test('cannot be written to', async () => {
      open()
      const diffIds = await addLayers(store, { a: 'x' })
      const at = await view(await parts(diffIds))
      expect(names(at)).toEqual(['a'])
      expect(() => writeFileSync(path.join(at, 'a'), 'y')).toThrow(/EROFS/)
      expect(snapshots.list()).toEqual([])
    })
  })

  describe('depth', () => {
    test.skipIf(pending > 0)('200 layers: every one is there', async () => {
      open()
      const diffIds: Digest[] = []
      for (let i = 0; i < 200; i++)
        diffIds.push((await addLayer(store, { [`file-${i}`]: String(i), top: `${i}` })).diffId)
      const at = await prepare('key', await parts(diffIds))
      expect(names(at)).toHaveLength(201)
      expect(readFileSync(path.join(at, 'top'), 'utf8')).toBe('199')
    })

    test.skipIf(pending > 1)('more layers than the 500 that overlayfs takes', async () => {
      open()
      const diffIds: Digest[] = []
      for (let i = 0; i < 510; i++) {
        const member = i % 2 === 0 ? { [`file-${i}`]: String(i) } : { [`.wh.file-${i - 1}`]: '', top: String(i) }
        diffIds.push((await addLayer(store, member)).diffId)
      }
      const at = await prepare('key', await parts(diffIds))
      expect(names(at)).toEqual(['top'])
      expect(readFileSync(path.join(at, 'top'), 'utf8')).toBe('509')
      writeFileSync(path.join(at, 'top'), 'changed')
      expect(await commit('key', diffIds)).toMatch(/^sha256:/)
    })

    test('a store in a path of more than 300 characters', async () => {
      open(path.join('a'.repeat(150), 'b'.repeat(160), 'c\\d:e,f'))
      expect(store.root.length).toBeGreaterThan(300)
      const diffIds = await addLayers(store, { 'd/': '', 'd/low': '1' }, { 'd/high': '2' })
      const at = await prepare('key', await parts(diffIds))
      expect(names(at)).toEqual(['d', 'd/high', 'd/low'])
      writeFileSync(path.join(at, 'new'), 'x')
      expect(readdirSync(snapshots.upper('key'))).toEqual(['new'])
    })
  })

  describe('active snapshots', () => {
    test('are listed, measured and removed', async () => {
      const { at } = await stackOf({ a: 'x' })
      expect(snapshots.usage('key')).toEqual({ bytes: 0, inodes: 0 })
      mkdirSync(path.join(at, 'd'))
      writeFileSync(path.join(at, 'd/file'), Buffer.alloc(1000))
      execFileSync('ln', [path.join(at, 'd/file'), path.join(at, 'd/second')])
      expect(snapshots.usage('key')).toEqual({ bytes: 1000, inodes: 2 })
      expect(snapshots.list()).toEqual([{ key: 'key', createdAt: expect.any(Date) }])
      unmount(at, { detach: true })
      mounted.splice(mounted.indexOf(at), 1)
      snapshots.remove('key')
      snapshots.remove('key')
      expect(snapshots.list()).toEqual([])
      expect(existsSync(snapshots.upper('key'))).toBe(false)
    })

    test('a key cannot lead out of the folder of snapshots', () => {
      open()
      expect(path.dirname(path.dirname(snapshots.upper('../../x')))).toBe(store.layout.snapshots)
    })
  })

  describe('many stacks', () => {
    test.each([1, 2, 3, 4, 5, 6])('number %i of random layers shows what the indexes say', async (seed) => {
      open()
      const random = generator(seed)
      const diffIds: Digest[] = []
      for (let layer = 0; layer < 2 + random(5); layer++) diffIds.push(...(await addLayers(store, randomLayer(random))))
      const at = await prepare('key', await parts(diffIds))
      expect(await differencesFromTree(at, diffIds)).toEqual([])
      expect((await store.layers.tree(diffIds)).list(toByteString('')).length).toBeGreaterThan(0)
    })
  })
}

/** Attributes below a directory that say where the rest of a file or folder lies: a layer could not hold such. */
function unreadableAttributes(root: string): string[] {
  const all = [root, ...readdirSync(root, { recursive: true, encoding: 'utf8' }).map((name) => path.join(root, name))]
  return all.flatMap((file) => [...(listXattrs(file)?.keys() ?? [])]).filter((name) => /metacopy|redirect/.test(name))
}

/** Layers know whole seconds only when they are written by a build. */
function wholeSeconds(files: Map<string, Described>): Map<string, Described> {
  return new Map([...files].map(([name, each]) => [name, { ...each, mtime: each.mtime.replace(/\..*/, '') }]))
}

/** Numbers below a limit, the same ones for the same seed. */
function generator(seed: number): (below: number) => number {
  let state = seed * 2_654_435_761
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

/** A layer of few names, so that layers meet: files, folders, links, deletions. Parents are sometimes only implied. */
function randomLayer(random: (below: number) => number): Record<string, Member> {
  const members: Record<string, Member> = {}
  const word = (): string => ['a', 'b', 'c', 'd'][random(4)]!
  const folders = new Set<string>()
  for (let i = 0; i < 12; i++) {
    const name = Array.from({ length: 1 + random(3) }, word).join('/')
    const parent = name.includes('/') ? name.slice(0, name.lastIndexOf('/') + 1) : ''
    if ([...Object.keys(members)].some((other) => other === name || other === `${name}/`)) continue
    if (hasFileAbove(members, name)) continue
    const mode = [0o755, 0o700, 0o750, 0o1777][random(4)]!
    switch (random(6)) {
      case 0:
        members[`${parent}.wh.${name.slice(parent.length)}`] = ''
        break
      case 1:
        members[`${name}/`] = { directory: true, mode, uid: random(3), gid: random(3) }
        folders.add(name)
        break
      case 2:
        if (!folders.has(name)) members[name] = { symlink: word() }
        break
      case 3:
        members[`${name}/`] = { directory: true, mode }
        members[`${name}/.wh..wh..opq`] = ''
        break
      default:
        if (!Object.keys(members).some((other) => other.startsWith(`${name}/`)))
          members[name] = { file: `${name} ${random(1000)}`, mode, uid: random(3) }
    }
  }
  return Object.keys(members).length > 0 ? members : { only: 'x' }
}

function hasFileAbove(members: Record<string, Member>, name: string): boolean {
  const parents = name.split('/').map((_, at, words) => words.slice(0, at).join('/'))
  return parents.some((parent) => parent !== '' && members[parent] !== undefined)
}

/** Whether this kernel mounts layers from their index. */
export function kernelMountsIndexes(): boolean {
  const [major = 0, minor = 0, patch = 0] = os.release().split(/[.-]/).map(Number)
  return major * 1e6 + minor * 1e3 + patch >= 6_012_002
}
