import { execFileSync } from 'node:child_process'
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { getXattr, listXattrs } from '../host/index.ts'
import { openFileTree } from './file-tree.ts'
import { bytes, canMount, isRoot, mountForTest, TestStore, temporaryDirectory, upperOptions } from './fixture.suite.ts'
import { hostPath } from './host-path.ts'
import { describeDirectory, describeFileTree, differences } from './host-tree.suite.ts'
import { layerMount } from './layer-index.ts'
import { mergeLayers } from './merge.ts'
import { archive, forge, forgePax } from './tar/forge.suite.ts'
import { unpackLayer } from './unpack.ts'

const file = (name: string, content = 'x', more = {}) => forge({ name, mtime: 1000, ...more }, content)
const directory = (name: string, more = {}) => forge({ name, flag: '5', mode: 0o755, mtime: 1000, ...more })
const capability = Buffer.from('0100000200200000000000000000000000000000', 'hex')

const everything = archive(
  directory('./', { mode: 0o711, uid: 3 }),
  directory('d', { mode: 0o1777, uid: 70_000, gid: 5 }),
  directory('d/locked', { mode: 0o000 }),
  file('d/locked/f', 'in a directory nobody may enter'),
  file('f', 'hello', { mode: 0o6755, uid: 9, gid: 10 }),
  forge({ name: 'd/g', flag: '1', link: 'f' }),
  forge({ name: 's', flag: '2', link: '/etc/passwd', uid: 4, mtime: 500 }),
  forge({ name: 'd/s2', flag: '1', link: 's' }),
  forge({ name: 'null', flag: '3', major: 1, minor: 3, mode: 0o666, mtime: 7 }),
  forge({ name: 'disk', flag: '4', major: 8, minor: 70_000, mode: 0o600, mtime: 7 }),
  forge({ name: 'pipe', flag: '6', mode: 0o622, mtime: 7 }),
  forgePax({
    mtime: '-1.000000001',
    'SCHILY.xattr.security.capability': capability,
    'SCHILY.xattr.user.k': 'v',
    'SCHILY.xattr.trusted.t': '',
  }),
  file('caps', 'c'.repeat(5000)),
  forgePax({ mtime: '1700000000.123456789', 'SCHILY.xattr.user.d': 'on a directory' }),
  directory('attrs'),
  forgePax({ mtime: '-86400' }),
  file('empty', ''),
  file('caf\xe9\xff\n', 'odd'),
  forgePax({ 'GNU.sparse.map': '7,5,500000,10', 'GNU.sparse.size': '9000000' }),
  file('sparse', 'x'.repeat(15)),
  file('deep/er/and/deeper/f', 'implicit'),
)

describe.skipIf(!isRoot)('an unpacked layer', () => {
  test('is what the FileTree shows', async () => {
    const store = new TestStore()
    const layer = await store.add(everything)
    const target = temporaryDirectory()
    await unpackLayer(layer, target, { whiteouts: 'none', task: 't' }, store.job)
    const expected = await describeFileTree(openFileTree([layer]))
    expect(differences(expected, describeDirectory(target))).toEqual([])
    expect(expected.size).toBe(21)
    expect(lstatSync(path.join(target, 'sparse')).blocks).toBeLessThan(2000)
    expect(store.events.at(-1)).toEqual({
      type: 'bytes',
      task: 't',
      done: layer.contentBytes,
      total: layer.contentBytes,
    })
  })

  test('is what the mount of its index shows, and so is a merged index', async () => {
    const store = new TestStore()
    const layer = await store.add(everything)
    const [target, mounted, merged] = [temporaryDirectory(), temporaryDirectory(), temporaryDirectory()]
    await unpackLayer(layer, target, { whiteouts: 'none' })
    mountForTest(layerMount(layer), mounted)
    mountForTest(layerMount(await mergeLayers([layer], path.join(store.directory, 'merged'))), merged)
    const expected = describeDirectory(target)
    expect(differences(expected, describeDirectory(mounted))).toEqual([])
    expect(differences(expected, describeDirectory(merged))).toEqual([])
  })

  test('as one of several, with a link into a lower layer', async () => {
    const store = new TestStore()
    const [, upper] = await store.stack(everything, archive(forge({ name: 'own/l', flag: '1', link: 'f' }), file('x')))
    const target = temporaryDirectory()
    await unpackLayer(upper!, target, { whiteouts: 'none' })
    expect(readFileSync(path.join(target, 'own/l'), 'utf8')).toBe('hello')
    expect(lstatSync(path.join(target, 'own/l'))).toMatchObject({ uid: 9, gid: 10, nlink: 1 })
  })

  const lower = archive(directory('a'), file('a/1'), file('a/2'), directory('b'), file('b/3'), file('top'))
  const upper = archive(
    file('a/.wh.1', ''),
    directory('b'),
    file('b/.wh..wh..opq', ''),
    file('b/new'),
    file('.wh.top', ''),
    file('n/.wh.x', ''),
    file('n/y'),
  )

  test.skipIf(!canMount).each([
    ['overlay-trusted', []],
    ['overlay-user', ['userxattr']],
  ] as const)('for overlayfs (%s): whiteouts hide, and do not show', async (whiteouts, more) => {
    const store = new TestStore()
    const layers = await store.stack(lower, upper)
    const directories = await Promise.all(
      layers.map(async (layer) => {
        const target = temporaryDirectory()
        await unpackLayer(layer, target, { whiteouts })
        return `lowerdir+=${target}`
      }),
    )
    const root = temporaryDirectory()
    // A mount by a user refuses to be told about redirects.
    const writable = upperOptions().filter((option) => /^(upper|work)dir=/.test(option))
    mountForTest(
      { type: 'overlay', source: 'overlay', options: [...directories.reverse(), ...writable, ...more] },
      root,
    )
    expect(readdirSync(root, { recursive: true }).sort()).toEqual(['a', 'a/2', 'b', 'b/new', 'n', 'n/y'])
    for (const hidden of ['a/1', 'top', 'n/x', 'b/3']) expect(existsSync(path.join(root, hidden))).toBe(false)
  })

  test('without overlayfs whiteouts leave no trace', async () => {
    const store = new TestStore()
    const layer = await store.add(upper)
    const target = temporaryDirectory()
    await unpackLayer(layer, target, { whiteouts: 'none' })
    expect(readdirSync(target, { recursive: true }).sort()).toEqual(['a', 'b', 'b/new', 'n', 'n/y'])
    expect(listXattrs(path.join(target, 'b'))).toBeUndefined()
    const marked = temporaryDirectory()
    await unpackLayer(layer, marked, { whiteouts: 'overlay-trusted' })
    expect(getXattr(path.join(marked, 'b'), 'trusted.overlay.opaque')?.toString()).toBe('y')
  })

  test('takes no shortcut through what is already there', async () => {
    const [target, outside] = [temporaryDirectory(), temporaryDirectory()]
    mkdirSync(path.join(outside, 'secret'))
    symlinkSync(path.join(outside, 'secret'), path.join(target, 'd'))
    const layer = await new TestStore().add(archive(directory('d'), file('d/x')))
    await expect(unpackLayer(layer, target, { whiteouts: 'none' })).rejects.toMatchObject({
      code: 'LAYER_UNPACK_FAILED',
    })
    expect(readdirSync(path.join(outside, 'secret'))).toEqual([])
    const [file1, file2] = [temporaryDirectory(), path.join(outside, 'victim')]
    writeFileSync(file2, 'victim')
    symlinkSync(file2, path.join(file1, 'x'))
    const other = await new TestStore().add(archive(file('x', 'evil')))
    await expect(unpackLayer(other, file1, { whiteouts: 'none' })).rejects.toThrow(/cannot unpack "x": EEXIST/)
    expect(readFileSync(file2, 'utf8')).toBe('victim')
  })

  test('symlinks in the layer lead nowhere while it is unpacked', async () => {
    const [target, outside] = [temporaryDirectory(), temporaryDirectory()]
    const layer = await new TestStore().add(
      archive(
        forge({ name: 'esc', flag: '2', link: outside }),
        file('esc/pwned'),
        forge({ name: 'up', flag: '2', link: '../../..' }),
        file('up/tmp/pwned'),
      ),
    )
    await unpackLayer(layer, target, { whiteouts: 'none' })
    expect(readdirSync(outside)).toEqual([])
    expect(readFileSync(path.join(target, outside, 'pwned'), 'utf8')).toBe('x')
    expect(readFileSync(path.join(target, 'tmp/pwned'), 'utf8')).toBe('x')
  })

  test('a disk that is full, and a canceled job', async () => {
    const layer = await new TestStore().add(archive(file('big', 'x'.repeat(3 << 20))))
    const small = temporaryDirectory()
    if (canMount) {
      mountForTest({ type: 'tmpfs', source: 'tmpfs', options: ['size=1m'] }, small)
      await expect(unpackLayer(layer, small, { whiteouts: 'none' })).rejects.toMatchObject({
        code: 'LAYER_UNPACK_FAILED',
        message: expect.stringContaining('ENOSPC'),
        hint: expect.stringContaining('space'),
      })
    }
    const job = { progress: () => {}, signal: AbortSignal.abort() }
    await expect(unpackLayer(layer, temporaryDirectory(), { whiteouts: 'none' }, job)).rejects.toMatchObject({
      code: 'CANCELED',
    })
  })
})

// One user namespace with one id: what a user without subordinate ids has.
const canUnshare = (() => {
  try {
    execFileSync('unshare', ['-Ur', 'true'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
})()

test.skipIf(!canUnshare)('as a user, what is forbidden is left out with a warning', async () => {
  const store = new TestStore()
  const layer = await store.add(
    archive(
      file('f', 'content'),
      forge({ name: 'null', flag: '3', major: 1, minor: 3 }),
      forgePax({ 'SCHILY.xattr.trusted.t': 'x' }),
      file('t'),
      file('.wh.gone', ''),
    ),
  )
  const target = temporaryDirectory()
  const script = `
    const { openLayer, unpackLayer } = await import(${JSON.stringify(path.join(import.meta.dirname, 'index.ts'))})
    const layer = openLayer(${JSON.stringify(layer.path)}, () => ${JSON.stringify(layer.devices[0]!.path)})
    await unpackLayer(layer, ${JSON.stringify(target)}, { whiteouts: 'overlay-user' }, { progress: (event) => console.log(event.message) })`
  const output = execFileSync('unshare', ['-Ur', process.execPath, '--input-type=module', '-e', script], {
    encoding: 'utf8',
  })
  expect(output).toMatch(
    /"null": left out a char device: EPERM[\s\S]*"t": left out the extended attribute trusted\.t: EPERM/,
  )
  expect(readdirSync(target).sort()).toEqual(['f', 'gone', 't'])
  expect(readFileSync(path.join(target, 'f'), 'utf8')).toBe('content')
})

test.each(['../x', 'a/../b', '/a', 'a//b', 'a/', '.', 'a/.', '..'])('no path of the host is made of %s', (name) => {
  expect(() => hostPath('/root', bytes(name))).toThrow(/not the path of a tree/)
})

test.each(['a', 'a/b', '...', '.a', 'a.', '..a/b..', 'a\nb', ' '])('%s is below its root', (name) => {
  expect(hostPath('/root', bytes(name))).toBe(`/root/${name}`)
})
