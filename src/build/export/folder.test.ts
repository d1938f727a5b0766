import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Job, silentJob } from '../../core/index.ts'
import { addLayers, type Member, temporaryStore } from '../../store/fixture.suite.ts'
import { writeFolder } from './folder.ts'
import type { ExportedTree } from './tree-entries.ts'

let work: string
let folder: string

beforeEach(() => {
  work = mkdtempSync(path.join(os.tmpdir(), 'slipway-folder-'))
  folder = path.join(work, 'out')
})

afterEach(() => rmSync(work, { recursive: true, force: true }))

type Layer = Readonly<Record<string, Member>>

async function exported(layer: Layer, more: Partial<ExportedTree> = {}): Promise<ExportedTree> {
  const store = temporaryStore()
  const tree = await store.layers.tree(await addLayers(store, layer))
  return { prefix: '', tree, attached: [], epoch: undefined, ...more }
}

async function write(layer: Layer, more: Partial<ExportedTree> & { mode?: 'copy' | 'delete'; job?: Job } = {}) {
  const { mode = 'copy', job = silentJob, ...rest } = more
  await writeFolder([await exported(layer, rest)], { folder, mode }, job)
}

const at = (name: string): string => path.join(folder, name)
const isRoot = process.getuid?.() === 0

describe('a folder', () => {
  test('gets files as the image has them, but for their owners', async () => {
    await write({
      'd/': { directory: true, mode: 0o750, mtime: 1000 },
      'd/f': { file: 'text', mode: 0o4711, uid: 12, gid: 13, mtime: 2000 },
      'd/same': { hardlink: 'd/f' },
      link: { symlink: '/etc/passwd' },
    })
    const [d, f, same] = ['d', 'd/f', 'd/same'].map((name) => lstatSync(at(name)))
    expect([d!.mode & 0o7777, d!.mtimeMs]).toEqual([0o750, 1_000_000])
    expect([f!.mode & 0o7777, f!.mtimeMs, f!.uid, f!.gid]).toEqual([
      0o4711,
      2_000_000,
      process.geteuid!(),
      process.getegid!(),
    ])
    expect(same!.ino).toBe(f!.ino)
    expect(readlinkSync(at('link'))).toBe('/etc/passwd')
    expect(readFileSync(at('d/f'), 'utf8')).toBe('text')
  })

  test('takes all its times from an epoch', async () => {
    await write(
      { 'd/': '', 'd/f': '1', l: { symlink: 'x' } },
      { epoch: 77, attached: [{ name: 's', bytes: Buffer.from('{}') }] },
    )
    expect(['d', 'd/f', 'l', 's'].map((name) => lstatSync(at(name)).mtimeMs)).toEqual([77_000, 77_000, 77_000, 77_000])
  })

  test('keeps what it has beside; what has the same name is replaced, whatever it is', async () => {
    mkdirSync(at('was-folder/deep'), { recursive: true })
    writeFileSync(at('was-folder/deep/f'), '')
    writeFileSync(at('was-file'), 'old')
    writeFileSync(at('other'), 'stays')
    symlinkSync('other', at('was-link'))
    await write({ 'was-file/': '', 'was-file/f': '1', 'was-folder': 'now a file', 'was-link': 'now a file' })
    expect(readFileSync(at('was-file/f'), 'utf8')).toBe('1')
    expect(readFileSync(at('was-folder'), 'utf8')).toBe('now a file')
    expect(lstatSync(at('was-link')).isFile()).toBe(true)
    expect(readFileSync(at('other'), 'utf8')).toBe('stays')
    expect(readdirSync(folder).sort()).toEqual(['other', 'was-file', 'was-folder', 'was-link'])
  })

  test('with delete holds nothing else afterwards, outside of it all stays', async () => {
    mkdirSync(at('d/gone'), { recursive: true })
    writeFileSync(at('d/gone/f'), '')
    writeFileSync(path.join(work, 'outside'), 'stays')
    symlinkSync('..', at('way-out'))
    await write({ 'd/': '', 'd/f': '1' }, { mode: 'delete' })
    expect(readdirSync(folder)).toEqual(['d'])
    expect(readdirSync(at('d'))).toEqual(['f'])
    expect(readFileSync(path.join(work, 'outside'), 'utf8')).toBe('stays')
  })

  test('a folder of each platform is made', async () => {
    const trees = [
      await exported({ a: '1' }, { prefix: 'linux_amd64' }),
      await exported({ a: '2' }, { prefix: 'linux_arm64' }),
    ]
    await writeFolder(trees, { folder, mode: 'copy' }, silentJob)
    expect(readFileSync(at('linux_arm64/a'), 'utf8')).toBe('2')
    expect(lstatSync(at('linux_amd64')).mtimeMs).toBe(0)
  })

  test('holds files that are no text, and folders that forbid to write', async () => {
    await write({ 'd/': { directory: true, mode: 0o500 }, 'd/\xff\xfe': 'bytes' })
    expect(lstatSync(at('d')).mode & 0o777).toBe(0o500)
    await write({ 'd/': { directory: true, mode: 0o500 }, 'd/\xff\xfe': 'again', 'd/new': '' })
    chmodSync(at('d'), 0o700)
    const [name] = readdirSync(Buffer.from(at('d')), { encoding: 'buffer' }).filter((each) => each.toString() !== 'new')
    expect(readFileSync(Buffer.concat([Buffer.from(`${at('d')}/`), name!]), 'utf8')).toBe('again')
  })
})

describe('nothing gets out of the folder', () => {
  test('through a symlink that is there already in the place of a folder', async () => {
    mkdirSync(folder)
    mkdirSync(path.join(work, 'victim'))
    symlinkSync(path.join(work, 'victim'), at('d'))
    await write({ 'd/': '', 'd/f': 'hostile' })
    expect(readdirSync(path.join(work, 'victim'))).toEqual([])
    expect(readFileSync(at('d/f'), 'utf8')).toBe('hostile')
  })

  test('through a symlink that is there already in the place of a file', async () => {
    mkdirSync(folder)
    writeFileSync(path.join(work, 'victim'), 'safe')
    symlinkSync(path.join(work, 'victim'), at('f'))
    await write({ f: { file: 'hostile', mode: 0o777 } })
    expect(readFileSync(path.join(work, 'victim'), 'utf8')).toBe('safe')
    expect(lstatSync(path.join(work, 'victim')).mode & 0o777).not.toBe(0o777)
  })

  test('through a hard link of a file that was replaced from outside', async () => {
    mkdirSync(folder)
    writeFileSync(path.join(work, 'victim'), 'safe')
    symlinkSync('../victim', at('b'))
    await write({ a: 'x', b: { hardlink: 'a' } })
    expect(lstatSync(at('b')).ino).toBe(lstatSync(at('a')).ino)
    expect(readFileSync(path.join(work, 'victim'), 'utf8')).toBe('safe')
  })

  test('when symlinks of the image have the names that its own folders had before', async () => {
    await write({ 'd/': '', 'd/f': '1' })
    await write({ d: { symlink: '/' } })
    await write({ 'd/': '', 'd/slipway-hostile': '1' })
    expect(existsSync('/slipway-hostile')).toBe(false)
    expect(lstatSync(at('d')).isDirectory()).toBe(true)
  })
})

test.skipIf(isRoot)('devices are left out with a warning for an ordinary user', async () => {
  const warnings: string[] = []
  const progress: Job['progress'] = (event) => void (event.type === 'warning' && warnings.push(event.code))
  await write({ null: { char: [1, 3] }, f: '' }, { job: { progress } })
  expect(readdirSync(folder)).toEqual(['f'])
  expect(warnings).toEqual(['EXPORT_PARTIAL'])
})

test('an error names the file', async () => {
  writeFileSync(folder, 'a file in the place of the folder')
  await expect(write({ f: '' })).rejects.toMatchObject({ code: 'EXPORT_FAILED' })
})

test('work that is canceled stops', async () => {
  const job = { progress: () => {}, signal: AbortSignal.abort() }
  await expect(write({ f: '' }, { job })).rejects.toMatchObject({ code: 'CANCELED' })
})
