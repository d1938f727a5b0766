import { execFileSync } from 'node:child_process'
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, type Digest, digestHex } from '../core/index.ts'
import { type Descriptor, MEDIA } from '../oci/index.ts'
import { imageTargetSuite, listed, makeSample } from '../oci/repository.suite.ts'
import { copyImage, createOciLayout, MemoryRepository, type OciLayout, openOciLayout } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-layout-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

imageTargetSuite('OCI layout', {
  tags: ['docker.io/library/first:1.0', 'second'],
  open: async () => ({ repository: await createOciLayout(folder) }),
})

const sample = makeSample()
const write = async (layout: OciLayout): Promise<void> => {
  for (const { descriptor, bytes } of sample.contents) await layout.write(descriptor, bytesOf(bytes))
}
const index = (): { manifests: Descriptor[] } => JSON.parse(readFileSync(path.join(folder, 'index.json'), 'utf8'))
const setIndex = (manifests: object[], more: object = {}): void =>
  writeFileSync(path.join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, ...more, manifests }))
const blob = (digest: Digest): string => path.join(folder, 'blobs/sha256', digestHex(digest))

describe('on disk', () => {
  test('it is what the image spec says', async () => {
    const layout = await createOciLayout(folder)
    await write(layout)
    await layout.tag('busybox:1', sample.index.descriptor)
    expect(JSON.parse(readFileSync(path.join(folder, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' })
    expect(readFileSync(blob(sample.layer.descriptor.digest))).toEqual(sample.layer.bytes)
    expect(index()).toEqual({
      schemaVersion: 2,
      mediaType: MEDIA.ociIndex,
      manifests: [
        sample.signature.descriptor,
        {
          ...sample.index.descriptor,
          annotations: {
            'io.containerd.image.name': 'docker.io/library/busybox:1',
            'org.opencontainers.image.ref.name': '1',
          },
        },
      ],
    })
  })

  test('nothing unfinished stays behind', async () => {
    const layout = await createOciLayout(folder)
    await write(layout)
    await expect(layout.write({ ...sample.layer.descriptor, size: 3 }, bytesOf(sample.layer.bytes))).rejects.toThrow()
    expect(readdirSync(path.join(folder, 'blobs/sha256')).filter((name) => name.startsWith('.'))).toEqual([])
  })

  test('what a killed process left is removed, what a running one writes is not', async () => {
    await createOciLayout(folder)
    const [old, fresh] = ['old', 'fresh'].map((name) => path.join(folder, `blobs/sha256/.unfinished-${name}`))
    for (const file of [old!, fresh!]) writeFileSync(file, 'half')
    utimesSync(old!, 0, 0)
    await createOciLayout(folder)
    expect([existsSync(old!), existsSync(fresh!)]).toEqual([false, true])
  })

  test('fields of index.json that nobody here knows stay', async () => {
    const layout = await createOciLayout(folder)
    await write(layout)
    setIndex([{ ...sample.manifest.descriptor, 'x-new': 1 }], { annotations: { a: 'b' }, 'x-new': 12345 })
    await layout.tag('busybox:1', sample.index.descriptor)
    expect(index()).toMatchObject({ annotations: { a: 'b' }, 'x-new': 12345, manifests: [{ 'x-new': 1 }, {}] })
  })

  test('tags that are given at once are all there', async () => {
    const layouts = await Promise.all([1, 2, 3].map(() => createOciLayout(folder)))
    await write(layouts[0]!)
    const names = Array.from({ length: 12 }, (_, i) => `image:${i}`)
    await Promise.all(names.map((name, i) => layouts[i % 3]!.tag(name, sample.index.descriptor)))
    const tags = await listed(layouts[0]!.tags())
    expect(tags.sort()).toEqual(names.map((name) => `docker.io/library/${name}`).sort())
  })

  test('a signature keeps its place when it loses its name', async () => {
    const layout = await createOciLayout(folder)
    await write(layout)
    await layout.tag('sig', sample.signature.descriptor)
    expect(index().manifests).toHaveLength(1)
    await layout.untag('sig')
    expect(index().manifests).toEqual([sample.signature.descriptor])
  })
})

describe('names', () => {
  const named = (annotations: object, { descriptor } = sample.manifest): object => ({ ...descriptor, annotations })
  const containerd = (name: string, tag: string): object =>
    named({ 'io.containerd.image.name': name, 'org.opencontainers.image.ref.name': tag })
  let layout: OciLayout
  beforeEach(async () => {
    layout = await createOciLayout(folder)
    await write(layout)
  })
  const tags = (): Promise<string[]> => listed(layout.tags())

  test.each([
    ['busybox', 'docker.io/library/busybox:latest'],
    ['busybox:latest', 'docker.io/library/busybox:latest'],
    ['docker.io/library/busybox:latest', 'docker.io/library/busybox:latest'],
    ['localhost:5000/x', 'localhost:5000/x:latest'],
  ])('%s finds %s', async (asked, name) => {
    setIndex([containerd(name, 'latest')])
    expect(await tags()).toEqual([name])
    expect(await layout.resolve(asked)).toEqual(sample.manifest.descriptor)
  })

  test('what skopeo and umoci write: only a tag, or a whole name in its place', async () => {
    setIndex([named({ 'org.opencontainers.image.ref.name': '1.0' })])
    expect(await tags()).toEqual(['1.0'])
    expect(await layout.resolve('1.0')).toEqual(sample.manifest.descriptor)
    setIndex([named({ 'org.opencontainers.image.ref.name': 'me/app:1.0' })])
    expect(await tags()).toEqual(['docker.io/me/app:1.0'])
    expect(await layout.resolve('me/app:1.0')).toEqual(sample.manifest.descriptor)
  })

  test('the tag alone finds an image that has a whole name', async () => {
    setIndex([containerd('docker.io/library/busybox:1.0', '1.0')])
    expect(await layout.resolve('1.0')).toEqual(sample.manifest.descriptor)
  })

  test('a tag of two images is ambiguous, of the same image twice is not', async () => {
    const ref = { 'org.opencontainers.image.ref.name': 'latest' }
    setIndex([named(ref), named(ref, sample.index)])
    await expect(layout.resolve('latest')).rejects.toMatchObject({
      code: 'NAME_AMBIGUOUS',
      message: 'latest stands for 2 images',
      hint: 'Name the image by its digest.',
    })
    setIndex([named(ref), named(ref)])
    expect(await layout.resolve('latest')).toEqual(sample.manifest.descriptor)
  })

  test('an image without a name has its digest', async () => {
    setIndex([sample.index.descriptor])
    expect(await tags()).toEqual([])
    expect(await layout.resolve(sample.index.descriptor.digest)).toEqual(sample.index.descriptor)
    await layout.tag('now:1', sample.index.descriptor)
    expect(index().manifests).toHaveLength(1)
  })

  test('a name that is none is passed over', async () => {
    setIndex([named({ 'io.containerd.image.name': '../../UP' })])
    expect(await tags()).toEqual([])
  })
})

describe('hostile folders', () => {
  test.each<[string, () => void, string | RegExp]>([
    ['empty', () => {}, /it has no file oci-layout/],
    [
      'of another version',
      () => writeFileSync(path.join(folder, 'oci-layout'), '{"imageLayoutVersion":"2.0.0"}'),
      /1\.0\.0/,
    ],
    ['with a list for a marker', () => writeFileSync(path.join(folder, 'oci-layout'), '[]'), /imageLayoutVersion/],
    ['with an endless marker', () => symlinkSync('/dev/zero', path.join(folder, 'oci-layout')), /not a regular file/],
    ['with a pipe for a marker', () => execFileSync('mkfifo', [path.join(folder, 'oci-layout')]), /not a regular file/],
  ])('%s', async (_name, prepare, message) => {
    prepare()
    await expect(openOciLayout(folder)).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
      message: expect.stringMatching(message),
    })
  })

  test('a folder that holds other things is left alone', async () => {
    writeFileSync(path.join(folder, 'important.txt'), 'x')
    await expect(createOciLayout(folder)).rejects.toMatchObject({ code: 'LAYOUT_INVALID' })
    expect(readdirSync(folder)).toEqual(['important.txt'])
    await expect(createOciLayout(path.join(folder, 'important.txt/x'))).rejects.toMatchObject({
      code: 'LAYOUT_INVALID',
    })
  })

  test('an index.json with the path of a file for a digest', async () => {
    const layout = await createOciLayout(folder)
    setIndex([{ ...sample.manifest.descriptor, digest: 'sha256:../../../../etc/passwd' }])
    await expect(layout.resolve('x')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
    await expect(layout.resolve('sha256:../../../../etc/passwd')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })

  test('an index.json that is too large, or a manifest of one image', async () => {
    const layout = await createOciLayout(folder)
    writeFileSync(path.join(folder, 'index.json'), Buffer.alloc(5 << 20, ' '))
    await expect(layout.resolve('x')).rejects.toMatchObject({ code: 'FILE_TOO_LARGE' })
    writeFileSync(path.join(folder, 'index.json'), sample.manifest.bytes)
    await expect(layout.resolve('x')).rejects.toMatchObject({ code: 'MANIFEST_INVALID' })
  })

  test('a blob that leads out of the folder is not passed on', async () => {
    const layout = await createOciLayout(folder)
    await write(layout)
    await layout.tag('x:1', sample.manifest.descriptor)
    rmSync(blob(sample.layer.descriptor.digest))
    const outside = path.join(folder, 'secret')
    writeFileSync(outside, Buffer.alloc(sample.layer.bytes.length))
    symlinkSync(outside, blob(sample.layer.descriptor.digest))
    await expect(copyImage(layout, new MemoryRepository(), { ref: 'x:1' })).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
    })
  })

  test('a pipe for a blob does not hang', async () => {
    const layout = await createOciLayout(folder)
    await write(layout)
    rmSync(blob(sample.layer.descriptor.digest))
    execFileSync('mkfifo', [blob(sample.layer.descriptor.digest)])
    expect(await layout.has(sample.layer.descriptor)).toBe(false)
    await expect(listed(layout.read(sample.layer.descriptor))).rejects.toMatchObject({
      code: 'BLOB_NOT_FOUND',
    })
  })
})
