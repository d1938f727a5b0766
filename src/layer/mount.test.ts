import {
  chownSync,
  existsSync,
  lstatSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf } from '../core/index.ts'
import { getXattr, listXattrs } from '../host/index.ts'
import { canMount, mountForTest, TestStore, temporaryDirectory, upperOptions } from './fixture.suite.ts'
import { importLayer } from './import.ts'
import { layerMount, visibleLayers } from './layer-index.ts'
import { mergeLayers } from './merge.ts'
import { archive, forge, forgePax } from './tar/forge.suite.ts'

const file = (name: string, content = 'x', more = {}) => forge({ name, ...more }, content)
const directory = (name: string, more = {}) => forge({ name, flag: '5', mode: 0o755, ...more })
const symlink = (name: string, link: string) => forge({ name, link, flag: '2' })
const hardlink = (name: string, link: string) => forge({ name, link, flag: '1' })

/** All names below a directory, as `ls` would find them. */
function names(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).sort()
}

const base = archive(
  directory('a'),
  file('a/1'),
  file('a/2'),
  directory('a/sub'),
  file('a/sub/x'),
  directory('b'),
  file('b/3'),
  file('top'),
)

// Each stack is mounted alone (a single overlay layer merges nothing) and on a writable upper directory.
describe.skipIf(!canMount)('what overlayfs makes of our indexes', () => {
  test.each<[string, Buffer[], string[]]>([
    ['layers', [base, archive(file('a/4'))], ['a', 'a/1', 'a/2', 'a/4', 'a/sub', 'a/sub/x', 'b', 'b/3', 'top']],
    [
      'a whiteout',
      [base, archive(file('a/.wh.1', ''), file('.wh.top', ''))],
      ['a', 'a/2', 'a/sub', 'a/sub/x', 'b', 'b/3'],
    ],
    ['a whiteout of a directory', [base, archive(file('.wh.a', ''))], ['b', 'b/3', 'top']],
    [
      'an opaque directory',
      [base, archive(directory('a'), file('a/.wh..wh..opq', ''), file('a/new'))],
      ['a', 'a/new', 'b', 'b/3', 'top'],
    ],
    [
      'an opaque directory with whiteouts',
      [base, archive(file('a/.wh..wh..opq', ''), file('a/.wh.1', ''), file('a/.wh.zz', ''))],
      ['a', 'b', 'b/3', 'top'],
    ],
    [
      'a whiteout and a new directory',
      [base, archive(file('.wh.a', ''), directory('a'), file('a/new'))],
      ['a', 'a/new', 'b', 'b/3', 'top'],
    ],
    [
      'a new directory and a whiteout',
      [base, archive(directory('a'), file('a/new'), file('.wh.a', ''))],
      ['a', 'a/new', 'b', 'b/3', 'top'],
    ],
    ['a whiteout in a directory that only one layer has', [archive(file('n/.wh.x', ''), file('n/y'))], ['n', 'n/y']],
    ['a whiteout in the root of the only layer', [archive(file('.wh.x', ''), file('y'))], ['y']],
    [
      'a whiteout in the lowest layer',
      [archive(file('n/.wh.x', ''), file('n/y')), archive(file('z'))],
      ['n', 'n/y', 'z'],
    ],
    [
      'a whiteout in a directory that is not merged',
      [archive(file('other')), archive(file('n/.wh.x', ''), file('n/y'))],
      ['n', 'n/y', 'other'],
    ],
    [
      'whiteouts below a directory that hides the lower one',
      [base, archive(file('a/.wh..wh..opq', ''), file('a/sub/.wh.x', ''), file('a/sub/y'))],
      ['a', 'a/sub', 'a/sub/y', 'b', 'b/3', 'top'],
    ],
    ['a file that takes the place of a directory', [base, archive(file('a'))], ['a', 'b', 'b/3', 'top']],
    [
      'a directory that takes the place of a file',
      [base, archive(file('top/in'))],
      ['a', 'a/1', 'a/2', 'a/sub', 'a/sub/x', 'b', 'b/3', 'top', 'top/in'],
    ],
    [
      'what comes back',
      [base, archive(file('.wh.a', '')), archive(file('a/1')), archive(file('a/.wh.1', ''), file('a/9'))],
      ['a', 'a/9', 'b', 'b/3', 'top'],
    ],
    [
      'an opaque root',
      [base, archive(file('.wh..wh..opq', ''), file('new')), archive(file('above'))],
      ['above', 'new'],
    ],
  ])('%s', async (_what, tars, expected) => {
    const store = new TestStore()
    const layers = await store.stack(...tars)
    expect(names(store.mountStack(layers))).toEqual(expected)
    const writable = store.mountStack(layers, upperOptions())
    expect(names(writable)).toEqual(expected)
    for (const name of expected) lstatSync(path.join(writable, name))
    for (const hidden of ['a/1', 'top', 'n/x', 'x'])
      expect(existsSync(path.join(writable, hidden))).toBe(expected.includes(hidden))
  })

  test('attributes, links, devices and contents come through', async () => {
    const store = new TestStore()
    const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')
    const [layer] = await store.stack(
      archive(
        directory('./', { mode: 0o711 }),
        file('f', 'hello', { mode: 0o4755, uid: 70_000, gid: 5, mtime: 1234 }),
        hardlink('g', 'f'),
        symlink('s', '/etc/passwd'),
        forgePax({ linkpath: 'l'.repeat(1201) }),
        symlink('long', 'x'),
        forge({ name: 'null', flag: '3', major: 1, minor: 3, mode: 0o666 }),
        forge({ name: 'blk', flag: '4', major: 7, minor: 70_000 }),
        forge({ name: 'fifo', flag: '6' }),
        forgePax({
          mtime: '-1.25',
          'SCHILY.xattr.security.capability': capability,
          'SCHILY.xattr.user.big': 'v'.repeat(60_000),
        }),
        file('caps', 'c'.repeat(5000)),
        file('empty', ''),
      ),
    )
    const root = temporaryDirectory()
    mountForTest(layerMount(layer!), root)
    const at = (name: string): string => path.join(root, name)
    expect(lstatSync(root).mode & 0o7777).toBe(0o711)
    expect(lstatSync(at('f'))).toMatchObject({ uid: 70_000, gid: 5, mtimeMs: 1_234_000, nlink: 2, size: 5 })
    expect(lstatSync(at('f')).mode & 0o7777).toBe(0o4755)
    expect(lstatSync(at('g')).ino).toBe(lstatSync(at('f')).ino)
    expect(readFileSync(at('g'), 'utf8')).toBe('hello')
    expect(readlinkSync(at('s'))).toBe('/etc/passwd')
    expect(readlinkSync(at('long'))).toBe('l'.repeat(1201))
    expect(readFileSync(at('null'))).toHaveLength(0)
    expect(lstatSync(at('blk'), { bigint: true }).rdev).toBe(
      BigInt((7 << 8) | (70_000 & 0xff) | ((70_000 & ~0xff) << 12)),
    )
    expect(lstatSync(at('fifo')).isFIFO()).toBe(true)
    expect(lstatSync(at('caps'), { bigint: true }).mtimeNs).toBe(-1_250_000_000n)
    expect(readFileSync(at('caps'), 'utf8')).toBe('c'.repeat(5000))
    expect(getXattr(at('caps'), 'security.capability')).toEqual(capability)
    expect(getXattr(at('caps'), 'user.big')).toHaveLength(60_000)
    expect([...listXattrs(at('caps'))!.keys()].sort()).toEqual(['security.capability', 'user.big'])
    expect(readFileSync(at('empty'))).toHaveLength(0)
  })

  test('a hard link to a lower layer reads through a second device, and is no link to the lower file', async () => {
    const store = new TestStore()
    const layers = await store.stack(
      archive(file('lower', 'from below'.repeat(1000))),
      archive(hardlink('d/l', 'lower'), file('own', 'own')),
    )
    const root = store.mountStack(layers)
    expect(readFileSync(path.join(root, 'd/l'), 'utf8')).toBe('from below'.repeat(1000))
    expect(readFileSync(path.join(root, 'own'), 'utf8')).toBe('own')
    expect(lstatSync(path.join(root, 'd/l')).ino).not.toBe(lstatSync(path.join(root, 'lower')).ino)
  })

  test('a sparse file whose data is not aligned reads out of the index', async () => {
    const store = new TestStore()
    const [layer] = await store.stack(
      archive(
        forgePax({ 'GNU.sparse.map': '7,5,5000,4000,100000,3', 'GNU.sparse.size': '200001' }),
        file('s', `aaaaa${'b'.repeat(4000)}ccc`),
        file('t', 'after'),
      ),
    )
    const expected = Buffer.alloc(200_001)
    expected.fill('a', 7, 12).fill('b', 5000, 9000).fill('c', 100_000, 100_003)
    const root = store.mountStack([layer!])
    expect(readFileSync(path.join(root, 's')).equals(expected)).toBe(true)
    expect(readFileSync(path.join(root, 't'), 'utf8')).toBe('after')
  })

  test('a directory of 20,000 names', async () => {
    const store = new TestStore()
    const [layer] = await store.stack(archive(...Array.from({ length: 20_000 }, (_, i) => file(`d/name-${i}`, ''))))
    const root = store.mountStack([layer!])
    expect(readdirSync(path.join(root, 'd'))).toHaveLength(20_000)
    for (const i of [0, 1, 777, 9_999, 19_999]) lstatSync(path.join(root, `d/name-${i}`))
    expect(existsSync(path.join(root, 'd/name-20000'))).toBe(false)
  })

  test('an archive without its padding, and without its end mark', async () => {
    const store = new TestStore()
    const layers = await store.stack(
      file('small', 's'.repeat(100)).subarray(0, 512 + 100),
      file('large', 'l'.repeat(1_000_001)).subarray(0, 512 + 1_000_001),
    )
    const [plain, merged] = [store.mountStack(layers), temporaryDirectory()]
    mountForTest(layerMount(await mergeLayers(layers, path.join(store.directory, 'merged'))), merged)
    for (const root of [plain, merged]) {
      expect(readFileSync(path.join(root, 'small'), 'utf8')).toBe('s'.repeat(100))
      expect(readFileSync(path.join(root, 'large'), 'utf8') === 'l'.repeat(1_000_001)).toBe(true)
    }
  })

  test('writing: copy-up keeps everything, deleting works, and the archive is not touched', async () => {
    const store = new TestStore()
    const layers = await store.stack(
      archive(file('f', 'old', { mode: 0o6755, uid: 9 }), file('g'), directory('d'), file('d/x')),
    )
    const before = readFileSync(layers[0]!.devices[0]!.path)
    const root = store.mountStack(layers, upperOptions())
    writeFileSync(path.join(root, 'd/new'), 'new')
    chownSync(path.join(root, 'f'), 9, 10)
    rmSync(path.join(root, 'g'))
    rmSync(path.join(root, 'd/x'))
    expect(names(root)).toEqual(['d', 'd/new', 'f'])
    expect(lstatSync(path.join(root, 'f'))).toMatchObject({ uid: 9, gid: 10 })
    expect(readFileSync(layers[0]!.devices[0]!.path).equals(before)).toBe(true)
  })

  test('without the parent, a layer that needs it is mountable all the same', async () => {
    const store = new TestStore()
    const files = store.files()
    const { diffId } = await importLayer(bytesOf(archive(hardlink('l', 'below'), file('d/f'))), files)
    const root = store.mountStack([store.open(files, diffId)])
    expect(names(root)).toEqual(['d', 'd/f'])
  })

  test('a layer of nothing, with and without an end mark', async () => {
    const store = new TestStore()
    const layers = await store.stack(Buffer.alloc(0), archive())
    expect(names(store.mountStack(layers))).toEqual([])
  })

  test('layers below one that hides them are not mounted', async () => {
    const store = new TestStore()
    const layers = await store.stack(base, archive(file('.wh..wh..opq', ''), file('x')), archive(file('y')))
    expect(visibleLayers(layers)).toEqual(layers.slice(1))
    expect(visibleLayers(layers.slice(0, 1))).toEqual(layers.slice(0, 1))
    expect(visibleLayers([])).toEqual([])
  })

  test('each layer has an identity of its own, so that overlayfs can tell their files apart', async () => {
    const store = new TestStore()
    const layers = await store.stack(archive(file('a')), archive(file('b')))
    const uuids = layers.map((layer) => readFileSync(layer.path).toString('hex', 1024 + 48, 1024 + 64))
    expect(uuids).toEqual(layers.map((layer) => layer.devices[0]!.diffId.slice(7, 39)))
    const root = store.mountStack(layers)
    const [a, b] = ['a', 'b'].map((name) => lstatSync(path.join(root, name)))
    expect(`${a!.dev}:${a!.ino}`).not.toBe(`${b!.dev}:${b!.ino}`)
  })
})
