import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, digestHex } from '../core/index.ts'
import { findProgram } from '../host/index.ts'
import { createIndex, type Descriptor, writeIndex } from '../oci/index.ts'
import { imageSourceSuite, listed, makeSample, type Sample } from '../oci/repository.suite.ts'
import {
  copyImage,
  createImageDirectory,
  createOciLayout,
  type ImageDirectory,
  MemoryRepository,
  openImageDirectory,
  openOciLayout,
} from './index.ts'

let base: string
let folder: string
beforeEach(() => {
  base = mkdtempSync(path.join(os.tmpdir(), 'slipway-dir-'))
  folder = path.join(base, 'image')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const sample = makeSample()
const hex = ({ digest }: Descriptor): string => digestHex(digest)
const files = (): string[] => readdirSync(folder).sort()

async function fill(target: ImageDirectory, { contents, index }: Sample): Promise<void> {
  for (const { descriptor, bytes } of contents) await target.write(descriptor, bytesOf(bytes))
  await target.tag('latest', index.descriptor)
}

async function filled(): Promise<ImageDirectory> {
  const directory = await createImageDirectory(folder)
  await fill(directory, sample)
  return directory
}

imageSourceSuite('image directory', {
  tag: 'latest',
  open: async (content) => {
    const repository = await createImageDirectory(folder)
    await fill(repository, content)
    return { repository }
  },
})

describe('on disk', () => {
  test('it is what skopeo writes', async () => {
    await filled()
    const { index, manifest, layer, config } = sample
    expect(readFileSync(path.join(folder, 'version'), 'utf8')).toBe('Directory Transport Version: 1.1\n')
    expect(readFileSync(path.join(folder, 'manifest.json'))).toEqual(index.bytes)
    expect(readFileSync(path.join(folder, `${hex(manifest.descriptor)}.manifest.json`))).toEqual(manifest.bytes)
    for (const { descriptor, bytes } of [layer, config]) {
      expect(readFileSync(path.join(folder, hex(descriptor)))).toEqual(bytes)
    }
    expect(files()).toHaveLength(sample.contents.length + 1)
  })

  test('another image takes the place of the first, and what only that one needed goes', async () => {
    await filled()
    writeFileSync(path.join(folder, 'signature-1'), 'of the old image')
    writeFileSync(path.join(folder, 'notes.txt'), 'mine')
    const directory = await createImageDirectory(folder)
    const from = new MemoryRepository()
    for (const { descriptor, bytes } of sample.contents) await from.write(descriptor, bytesOf(bytes))
    const ref = sample.manifest.descriptor.digest
    await copyImage(from, directory, { ref, as: 'latest' })
    expect(await directory.resolve('latest')).toMatchObject(sample.manifest.descriptor)
    // manifest, config, two layers, the marker, and what was never ours
    expect(files()).toHaveLength(6)
    expect(existsSync(path.join(folder, 'notes.txt'))).toBe(true)
    expect(existsSync(path.join(folder, hex(sample.layer.descriptor)))).toBe(true)
  })

  test('what was the image may become a platform of the next one', async () => {
    const directory = await filled()
    const outer = writeIndex(createIndex([sample.index.descriptor]))
    const next = await createImageDirectory(folder)
    for (const { descriptor, bytes } of sample.contents) await next.write(descriptor, bytesOf(bytes))
    await next.write(outer.descriptor, bytesOf(outer.bytes))
    await next.tag('latest', outer.descriptor)
    expect(await directory.resolve('latest')).toMatchObject(outer.descriptor)
    expect(await directory.has(sample.index.descriptor)).toBe(true)
  })

  test('naming the same image again changes nothing', async () => {
    const directory = await filled()
    const before = files()
    await directory.tag('again', sample.index.descriptor)
    expect(files()).toEqual(before)
  })

  test('the image may go', async () => {
    const directory = await filled()
    await expect(directory.untag('other')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await directory.untag('latest')
    expect(await listed(directory.tags())).toEqual([])
    expect(await directory.has(sample.index.descriptor)).toBe(true)
    await expect(directory.untag('latest')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(openImageDirectory(folder)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  test('what is not there cannot be named', async () => {
    const directory = await createImageDirectory(folder)
    await expect(directory.tag('latest', sample.index.descriptor)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
  })

  test('bytes that are not those of the digest are not kept', async () => {
    const directory = await createImageDirectory(folder)
    const { descriptor, bytes } = sample.layer
    const wrong = Buffer.from(bytes).fill(1, 3, 4)
    await expect(directory.write(descriptor, bytesOf(wrong))).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
    expect(files()).toEqual(['version'])
  })
})

describe('folders of foreign origin', () => {
  test('a folder with something else in it is left alone', async () => {
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'thesis.tex'), 'important')
    const words = "not a containers image directory, don't want to overwrite important data"
    await expect(createImageDirectory(folder)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringContaining(words),
    })
    expect(files()).toEqual(['thesis.tex'])
  })

  test('a version from the future is not touched', async () => {
    mkdirSync(folder)
    writeFileSync(path.join(folder, 'version'), 'Directory Transport Version: 2.0\n')
    await expect(createImageDirectory(folder)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  test('a file is no folder', async () => {
    writeFileSync(folder, '')
    for (const open of [openImageDirectory, createImageDirectory]) {
      await expect(open(folder)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    }
  })

  test.each(['manifest.json', 'version', hex(sample.layer.descriptor)])('%s as a link is refused', async (name) => {
    await filled()
    const secret = path.join(base, 'secret')
    writeFileSync(secret, readFileSync(path.join(folder, name)))
    rmSync(path.join(folder, name))
    symlinkSync(secret, path.join(folder, name))
    const copied = openImageDirectory(folder).then((from) => copyImage(from, new MemoryRepository(), { ref: 'latest' }))
    await expect(copied).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  test('a manifest of any size is not read into memory', async () => {
    await filled()
    truncateSync(path.join(folder, 'manifest.json'), 5 << 20)
    await expect(openImageDirectory(folder)).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' })
  })

  test('a pipe does not hang', async () => {
    await filled()
    const name = path.join(folder, hex(sample.layer.descriptor))
    rmSync(name)
    execFileSync('mkfifo', [name])
    const from = await openImageDirectory(folder)
    const copied = copyImage(from, new MemoryRepository(), { ref: 'latest' })
    await expect(copied).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
  })

  test('broken manifests beside the image do not hide its signatures', async () => {
    const directory = await filled()
    writeFileSync(path.join(folder, `${'a'.repeat(64)}.manifest.json`), '{')
    expect(await listed(directory.referrers(sample.manifest.descriptor))).toHaveLength(1)
  })
})

describe.skipIf(!findProgram('skopeo'))('beside skopeo', () => {
  const skopeo = (...args: string[]): void => {
    execFileSync('skopeo', ['--insecure-policy', 'copy', '-q', '--all', ...args], { stdio: 'pipe' })
  }

  test('skopeo reads what we wrote, and we read what it wrote', async () => {
    const layout = path.join(base, 'oci')
    const oci = await createOciLayout(layout)
    await copyImage(await filled(), oci, { ref: 'latest', as: '1' })
    const [ours, theirs] = [folder, path.join(base, 'theirs')]
    skopeo(`oci:${layout}:1`, `dir:${theirs}`)
    expect(await (await openImageDirectory(theirs)).resolve('latest')).toMatchObject(sample.index.descriptor)
    const back = new MemoryRepository()
    await copyImage(await openImageDirectory(theirs), back, { ref: 'latest', as: 'back' })
    expect(await back.resolve('back')).toMatchObject(sample.index.descriptor)
    skopeo(`dir:${ours}`, `oci:${path.join(base, 'again')}:1`)
    expect(await (await openOciLayout(path.join(base, 'again'))).resolve('1')).toMatchObject(sample.index.descriptor)
  })
})
