import { execFileSync, spawnSync } from 'node:child_process'
import {
  appendFileSync,
  chmodSync,
  chownSync,
  closeSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { bytesOf } from '../../core/index.ts'
import { makeNode, setXattr } from '../../host/index.ts'
import { openFileTree } from '../file-tree.ts'
import { bytes, canMount, isRoot, listTree, TestStore, temporaryDirectory, upperOptions } from '../fixture.suite.ts'
import { describeDirectory, differences } from '../host-tree.suite.ts'
import type { LayerIndex } from '../layer-index.ts'
import { archive, forge, forgePax } from '../tar/forge.suite.ts'
import { readTar } from '../tar/read.ts'
import { createLayerWriter } from '../write.ts'
import { diffUpper } from './diff.ts'

const file = (name: string, content = 'x', more = {}) => forge({ name, mtime: 1000, ...more }, content)
const directory = (name: string, more = {}) => forge({ name, flag: '5', mode: 0o755, mtime: 1000, ...more })

const base = archive(
  directory('./'),
  directory('etc', { mode: 0o750 }),
  file('etc/passwd', 'root'),
  file('etc/hosts', 'localhost'),
  directory('usr'),
  directory('usr/lib'),
  directory('usr/lib/deep'),
  file('usr/lib/deep/x', 'deep'),
  file('usr/lib/a', 'a'),
  file('usr/lib/c', 'c'),
  forge({ name: 'usr/lib/b', flag: '1', link: 'usr/lib/a' }),
  forge({ name: 'usr/link', flag: '2', link: 'lib', mtime: 1000 }),
  file('top', 'top', { mode: 0o4755 }),
  forgePax({ 'SCHILY.xattr.user.k': 'v' }),
  file('attr', 'attr'),
)

interface Diff {
  layer: LayerIndex
  entries: string[]
  store: TestStore
  root: string
  below: LayerIndex[]
}

/** Does something in a container's root and makes a layer of it. */
async function diffOf(
  change: (root: string) => void,
  options: { tars?: Buffer[]; overlay?: string[] } = {},
): Promise<Diff> {
  const store = new TestStore()
  const below = await store.stack(...(options.tars ?? [base]))
  const upper = temporaryDirectory()
  const mountOptions = upperOptions(upper).map(
    (option) => options.overlay?.find((o) => o.split('=')[0] === option.split('=')[0]) ?? option,
  )
  const root = store.mountStack(below, mountOptions)
  change(root)
  const { layer, entries } = await layerOf(upper, store, below)
  return { layer, entries, store, root, below }
}

async function layerOf(upper: string, store: TestStore, below: readonly LayerIndex[]) {
  const files = store.files()
  const writer = createLayerWriter(files, {}, store.job)
  await diffUpper(upper, writer, { lower: openFileTree(below) }, store.job)
  const summary = writer.finish()
  const entries: string[] = []
  for await (const { entry } of readTar(bytesOf(readFileSync(files.tar)))) entries.push(entry.name)
  return { layer: store.open(files, summary.diffId), entries, summary }
}

/** What the layer makes of the layers below must be what the container saw. */
async function expectSame({ layer, store, root, below }: Diff): Promise<void> {
  const again = store.mountStack([...below, layer])
  // Layers have whole seconds.
  const seconds = (tree: Awaited<ReturnType<typeof describeDirectory>>) => {
    for (const entry of tree.values()) entry.mtime = entry.mtime.replace(/\..*/, '')
    return tree
  }
  const [expected, actual] = [seconds(describeDirectory(root)), seconds(describeDirectory(again))]
  expect(differences(expected, actual, SAME)).toEqual([])
  expect(Object.keys(await listTree(openFileTree([...below, layer])))).toEqual(
    [...expected.keys()].filter((name) => name !== '').sort(walkOrder),
  )
}

const SAME = { ignoreDirectoryLinks: true, ignoreDirectoryTimes: true, ignoreRoot: true }

/** Directories before what is in them, as `walk` goes. */
const walkOrder = (a: string, b: string) => (a.replaceAll('/', '\0') < b.replaceAll('/', '\0') ? -1 : 1)

describe.skipIf(!canMount)('the layer of what was done in a container', () => {
  test.each<[string, (root: string) => void, string[]]>([
    ['nothing', () => {}, []],
    ['reading', (root) => void readFileSync(`${root}/etc/passwd`), []],
    ['opening for writing', (root) => closeSync(openSync(`${root}/etc/passwd`, 'r+')), []],
    ['giving a file the mode it has', (root) => chmodSync(`${root}/top`, 0o4755), []],
    [
      'making and removing',
      (root) => {
        writeFileSync(`${root}/etc/new`, 'x')
        unlinkSync(`${root}/etc/new`)
      },
      [],
    ],
    ['a new file', (root) => writeFileSync(`${root}/etc/new`, 'x'), ['etc/', 'etc/new']],
    [
      'a file in a deep directory',
      (root) => writeFileSync(`${root}/usr/lib/deep/new`, 'x'),
      ['usr/', 'usr/lib/', 'usr/lib/deep/', 'usr/lib/deep/new'],
    ],
    ['a changed file', (root) => appendFileSync(`${root}/etc/passwd`, '!'), ['etc/', 'etc/passwd']],
    [
      'the same size and time, other content',
      (root) => {
        writeFileSync(`${root}/etc/passwd`, 'toor')
        utimesSync(`${root}/etc/passwd`, 1000, 1000)
      },
      ['etc/', 'etc/passwd'],
    ],
    ['the same content, another time', (root) => utimesSync(`${root}/etc/passwd`, 5, 2000), ['etc/', 'etc/passwd']],
    ['a changed mode of a file', (root) => chmodSync(`${root}/top`, 0o755), ['top']],
    [
      'a changed mode of a directory',
      (root) => chmodSync(`${root}/usr/lib/deep`, 0o700),
      ['usr/', 'usr/lib/', 'usr/lib/deep/'],
    ],
    ['a changed owner', (root) => chownSync(`${root}/usr`, 5, 6), ['usr/']],
    [
      'a changed symlink',
      (root) => {
        unlinkSync(`${root}/usr/link`)
        symlinkSync('elsewhere', `${root}/usr/link`)
      },
      ['usr/', 'usr/link'],
    ],
    [
      'a symlink made anew as it was',
      (root) => {
        unlinkSync(`${root}/usr/link`)
        symlinkSync('lib', `${root}/usr/link`)
        lutimesSync(`${root}/usr/link`, 1000, 1000)
      },
      [],
    ],
    ['a changed attribute', (root) => setXattr(`${root}/attr`, 'user.k', Buffer.from('w')), ['attr']],
    [
      'a new attribute',
      (root) =>
        setXattr(`${root}/top`, 'security.capability', Buffer.from('0100000200200000000000000000000000000000', 'hex')),
      ['top'],
    ],
    [
      'an attribute that does not belong to the file',
      (root) => setXattr(`${root}/usr`, 'trusted.overlay.other', Buffer.from('x')),
      [],
    ],
    ['a removed file', (root) => unlinkSync(`${root}/etc/hosts`), ['etc/', 'etc/.wh.hosts']],
    ['a removed directory', (root) => rmSync(`${root}/usr/lib`, { recursive: true }), ['usr/', 'usr/.wh.lib']],
    [
      'a removed directory, made anew',
      (root) => {
        rmSync(`${root}/usr/lib`, { recursive: true })
        mkdirSync(`${root}/usr/lib`)
        writeFileSync(`${root}/usr/lib/new`, 'x')
      },
      ['usr/', 'usr/lib/', 'usr/lib/.wh..wh..opq', 'usr/lib/new'],
    ],
    [
      'a directory instead of a file',
      (root) => {
        unlinkSync(`${root}/top`)
        mkdirSync(`${root}/top`)
        writeFileSync(`${root}/top/in`, 'x')
      },
      ['top/', 'top/in'],
    ],
    [
      'a file instead of a directory',
      (root) => {
        rmSync(`${root}/usr`, { recursive: true })
        writeFileSync(`${root}/usr`, 'x')
      },
      ['usr'],
    ],
    [
      'a new tree',
      (root) => {
        mkdirSync(`${root}/n/e/w`, { recursive: true })
        writeFileSync(`${root}/n/e/w/x`, 'x')
      },
      ['n/', 'n/e/', 'n/e/w/', 'n/e/w/x'],
    ],
    [
      'hard links',
      (root) => {
        writeFileSync(`${root}/one`, '1')
        linkSync(`${root}/one`, `${root}/usr/two`)
        linkSync(`${root}/one`, `${root}/three`)
      },
      ['one', 'three', 'usr/', 'usr/two'],
    ],
    ['a hard link to a lower file', (root) => linkSync(`${root}/top`, `${root}/etc/top2`), ['etc/', 'etc/top2', 'top']],
    [
      'devices and FIFOs',
      (root) => {
        makeNode(`${root}/null`, 'char', 0o666, { major: 1, minor: 3 })
        makeNode(`${root}/disk`, 'block', 0o600, { major: 8, minor: 70_000 })
        makeNode(`${root}/pipe`, 'fifo', 0o622)
      },
      ['disk', 'null', 'pipe'],
    ],
    [
      'odd names',
      (root) => writeFileSync(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0xff, 0x0a])]), 'x'),
      ['\xff\n'],
    ],
    [
      'a renamed directory',
      (root) => {
        // Without redirects, overlayfs says EXDEV and mv copies.
        execFileSync('mv', [`${root}/usr/lib/deep`, `${root}/moved`])
      },
      ['moved/', 'moved/x', 'usr/', 'usr/lib/', 'usr/lib/.wh.deep'],
    ],
  ])('%s', async (_what, change, entries) => {
    const diff = await diffOf(change)
    expect(diff.entries).toEqual(entries)
    expect(diff.layer.entries).toBe(entries.length)
    await expectSame(diff)
  })

  test('renamed directories, where overlayfs only notes the rename', async () => {
    const diff = await diffOf(
      (root) => {
        renameSync(`${root}/usr/lib`, `${root}/usr/lib2`)
        renameSync(`${root}/usr`, `${root}/moved`)
        writeFileSync(`${root}/moved/lib2/deep/new`, 'n')
        unlinkSync(`${root}/moved/lib2/c`)
        mkdirSync(`${root}/usr`)
        writeFileSync(`${root}/usr/other`, 'o')
      },
      { overlay: ['redirect_dir=on'] },
    )
    await expectSame(diff)
    expect(diff.entries).toContain('usr/.wh..wh..opq')
    expect(diff.entries).toContain('moved/lib2/deep/x')
    expect(diff.entries).not.toContain('moved/lib2/c')
  })

  test('files whose description only was copied up', async () => {
    const diff = await diffOf(
      (root) => {
        chmodSync(`${root}/etc/passwd`, 0o600)
        chownSync(`${root}/etc/hosts`, 3, 3)
        renameSync(`${root}/etc/hosts`, `${root}/usr/hosts`)
      },
      { overlay: ['redirect_dir=on', 'metacopy=on'] },
    )
    await expectSame(diff)
    expect(openFileTree([diff.layer]).readFile(bytes('etc/passwd'), 10)?.toString()).toBe('root')
    expect(openFileTree([diff.layer]).readFile(bytes('usr/hosts'), 10)?.toString()).toBe('localhost')
  })

  test('layer upon layer, each diff seeing what the ones before left', async () => {
    const store = new TestStore()
    const layers = await store.stack(base)
    const steps: ((root: string) => void)[] = [
      (root) => rmSync(`${root}/usr`, { recursive: true }),
      (root) => mkdirSync(`${root}/usr/lib`, { recursive: true }),
      (root) => writeFileSync(`${root}/usr/lib/deep`, 'a file now'),
      (root) => renameSync(`${root}/etc/passwd`, `${root}/usr/passwd`),
      () => {},
    ]
    let last = ''
    for (const step of steps) {
      const upper = temporaryDirectory()
      last = store.mountStack(layers, upperOptions(upper))
      step(last)
      layers.push((await layerOf(upper, store, layers)).layer)
    }
    expect(layers.at(-1)!.entries).toBe(0)
    expect(readdirSync(last, { recursive: true }).sort()).toEqual(
      readdirSync(store.mountStack(layers), { recursive: true }).sort(),
    )
    expect(await listTree(openFileTree(layers))).toMatchObject({
      'usr/lib/deep': 'file a file now',
      'usr/passwd': 'file root',
    })
  })

  test('the same changes give the same layer', async () => {
    const change = (root: string) => {
      for (const name of ['z', 'a', 'm']) writeFileSync(`${root}/etc/${name}`, name)
      rmSync(`${root}/usr/lib/deep`, { recursive: true })
      for (const name of ['etc/z', 'etc/a', 'etc/m', 'etc', 'usr/lib', 'usr']) utimesSync(`${root}/${name}`, 1, 1)
    }
    const [one, two] = [await diffOf(change), await diffOf(change)]
    expect(one.layer.devices[0]!.diffId).toBe(two.layer.devices[0]!.diffId)
  })
})

describe('an upper directory that is not as overlayfs leaves it', () => {
  test.skipIf(!isRoot)('marks of a mount by a user, and whiteouts of nothing', async () => {
    const store = new TestStore()
    const below = await store.stack(base)
    const upper = temporaryDirectory()
    mkdirSync(path.join(upper, 'usr'))
    setXattr(path.join(upper, 'usr'), 'user.overlay.opaque', Buffer.from('y'))
    makeNode(path.join(upper, 'top'), 'char', 0, { major: 0, minor: 0 })
    makeNode(path.join(upper, 'never-there'), 'char', 0, { major: 0, minor: 0 })
    const { entries } = await layerOf(upper, store, below)
    expect(entries).toEqual(['.wh.top', 'usr/', 'usr/.wh..wh..opq'])
  })

  test('sockets and names of whiteouts are left out, with a warning', async () => {
    const store = new TestStore()
    const upper = temporaryDirectory()
    writeFileSync(path.join(upper, '.wh.trick'), 'x')
    const listen = 'require("net").createServer().listen(process.argv[1], () => process.kill(process.pid, "SIGKILL"))'
    spawnSync(process.execPath, ['-e', listen, path.join(upper, 'sock')])
    expect(statSync(path.join(upper, 'sock')).isSocket()).toBe(true)
    const { entries } = await layerOf(upper, store, [])
    expect(entries).toEqual([])
    expect(store.warnings.join()).toMatch(/"\.wh\.trick".*"sock".*socket/)
  })

  test('a canceled job stops', async () => {
    const upper = temporaryDirectory()
    writeFileSync(path.join(upper, 'f'), 'x')
    const writer = createLayerWriter(new TestStore().files())
    const job = { progress: () => {}, signal: AbortSignal.abort() }
    await expect(diffUpper(upper, writer, { lower: openFileTree([]) }, job)).rejects.toMatchObject({ code: 'CANCELED' })
    writer.abort()
  })
})
