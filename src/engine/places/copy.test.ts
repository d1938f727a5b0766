import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, type Digest, digestHex, type ProgressEvent } from '../../core/index.ts'
import { createIndex, type Descriptor, type ImageTarget, MEDIA, parsePlatform, writeIndex } from '../../oci/index.ts'
import { makeSample, type Sample } from '../../oci/repository.suite.ts'
import { createOciLayout, openImageArchive, openImageDirectory, openOciLayout } from '../../transfer/index.ts'
import { openTestEngine } from '../fixture.suite.ts'
import type { Engine } from '../index.ts'

let base: string
let engine: Engine
const sample = makeSample()
const at = (...names: string[]): string => path.join(base, ...names)
const arm64 = parsePlatform('linux/arm64')

async function fill(target: ImageTarget, { contents, index }: Sample, name: string): Promise<void> {
  for (const { descriptor, bytes } of contents) await target.write(descriptor, bytesOf(bytes))
  await target.tag(name, index.descriptor)
}

beforeEach(async () => {
  base = mkdtempSync(path.join(os.tmpdir(), 'slipway-copy-'))
  engine = openTestEngine().engine
  await fill(await createOciLayout(at('source')), sample, '1.0')
})
afterEach(() => rmSync(base, { recursive: true, force: true }))

const copyAll = (from: string, to: string): ReturnType<Engine['copy']> => engine.copy({ from, to, platform: 'all' })

describe('between places', () => {
  test('an image comes back from a tour of all places as it was', async () => {
    const tour = [`oci:${at('source')}:1.0`, 'app:1', `oci-archive:${at('a.tar')}:v1`, `dir:${at('dir')}`]
    const end = [`docker-archive:${at('b.tar')}:other:2`, 'store:again', `oci:${at('end')}`]
    const all = [...tour, ...end]
    for (const [i, to] of all.entries()) {
      if (i > 0) expect((await copyAll(all[i - 1]!, to)).root).toMatchObject(sample.index.descriptor)
    }
    expect(await (await openOciLayout(at('end'))).images()).toMatchObject([{ descriptor: sample.index.descriptor }])
    expect(engine.images.list().flatMap(({ tags }) => tags)).toEqual(['again:latest', 'app:1'])
  })

  test('one platform is copied without the index', async () => {
    const { root } = await engine.copy({ from: `oci:${at('source')}:1.0`, to: `dir:${at('dir')}`, platform: arm64 })
    const wanted = (JSON.parse(sample.index.bytes.toString()) as { manifests: Descriptor[] }).manifests[1]!
    expect(root.digest).toBe(wanted.digest)
    expect(await (await openImageDirectory(at('dir'))).resolve('latest')).toMatchObject({ digest: wanted.digest })
  })

  test("without a wish it is this machine's platform", async () => {
    const { root } = await engine.copy({ from: `oci:${at('source')}:1.0`, to: 'app' })
    expect(root.mediaType).toContain('manifest')
  })

  test('further names', async () => {
    const moreNames = ['app:2', 'app:3']
    const from = `oci:${at('source')}:1.0`
    await engine.copy({ from, to: `docker-archive:${at('a.tar')}:app:1`, moreNames })
    await engine.copy({ from, to: 'app:1', moreNames })
    const names = ['app:1', 'app:2', 'app:3']
    await using archive = await openImageArchive(at('a.tar'))
    expect((await archive.images()).flatMap((image) => image.names)).toEqual(
      names.map((name) => `docker.io/library/${name}`),
    )
    expect(engine.images.list().flatMap(({ tags }) => tags)).toEqual(names)
    await expect(engine.copy({ from, to: `dir:${at('dir')}`, moreNames })).rejects.toMatchObject({
      code: 'PLACE_UNSUPPORTED',
    })
  })

  test('an image of a place with several', async () => {
    const other = makeSample('other')
    expect((await copyAll(`oci:${at('source')}`, `dir:${at('dir')}`)).root).toMatchObject(sample.index.descriptor)
    await fill(await createOciLayout(at('source')), other, 'other')
    const to = `dir:${at('dir')}`
    await expect(copyAll(`oci:${at('source')}`, to)).rejects.toMatchObject({
      code: 'NAME_AMBIGUOUS',
      hint: expect.stringContaining(':@0, :1.0, :@2, :other'),
    })
    expect((await copyAll(`oci:${at('source')}:other`, to)).root).toMatchObject(other.index.descriptor)
    expect((await copyAll(`oci:${at('source')}:@0`, to)).root.digest).toBe(sample.signature.descriptor.digest)
    await expect(copyAll(`oci:${at('source')}:@9`, to)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    await expect(copyAll(`oci:${at('source')}:9`, to)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  test('a file is written whole or not at all', async () => {
    const { layer } = sample
    writeFileSync(at('source/blobs/sha256', digestHex(layer.descriptor.digest)), Buffer.alloc(layer.bytes.length))
    writeFileSync(at('a.tar'), 'what was there')
    await expect(copyAll(`oci:${at('source')}:1.0`, `oci-archive:${at('a.tar')}:1`)).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
    })
    expect(readFileSync(at('a.tar'), 'utf8')).toBe('what was there')
    await expect(copyAll(`oci:${at('source')}:1.0`, 'app')).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
    expect(engine.images.list()).toEqual([])
  })

  test.each(['oci:none', 'oci-archive:none', 'docker-archive:none', 'dir:none', 'none'])(
    '%s is not there',
    async (from) => {
      await expect(engine.copy({ from, to: `dir:${at('dir')}` })).rejects.toMatchObject({
        code: expect.stringMatching(/INVALID|NOT_FOUND/),
      })
      expect(existsSync(at('dir'))).toBe(false)
    },
  )

  test('layers are reported as parts of the copy', async () => {
    const events: ProgressEvent[] = []
    const request = { from: `oci:${at('source')}:1.0`, to: `dir:${at('dir')}` }
    await engine.copy(request, { progress: (event) => events.push(event) })
    const layers = events.flatMap((event) => (event.type === 'started' && event.parent === 'copy' ? [event.name] : []))
    expect(layers).toHaveLength(2)
    expect(layers).toContain(sample.layer.descriptor.digest.slice(7, 19))
  })
})

describe('copies that differ from their source', () => {
  const typesOf = async (folder: string): Promise<string[]> => {
    const layout = await openOciLayout(folder)
    const root = await layout.resolve('1')
    const types = [root.mediaType]
    for await (const { document } of layout.walk([root], { progress: () => {} })) {
      if (document.kind !== 'manifest') continue
      const { config, layers } = document.manifest
      types.push(document.mediaType, config.mediaType, ...layers.map(({ mediaType }) => mediaType))
    }
    return [...new Set(types)]
  }

  test("Docker's media types and back", async () => {
    const from = `oci:${at('source')}:1.0`
    const request = { from, to: `oci:${at('docker')}:1`, platform: 'all', format: 'docker' } as const
    const { root } = await engine.copy(request)
    expect(root.mediaType).toBe(MEDIA.dockerList)
    expect((await typesOf(at('docker'))).filter((type) => !type.startsWith('application/vnd.docker.'))).toEqual([])
    await engine.copy({ from: `oci:${at('docker')}:1`, to: `oci:${at('oci')}:1`, platform: 'all', format: 'oci' })
    expect((await typesOf(at('oci'))).filter((type) => !type.startsWith('application/vnd.oci.'))).toEqual([])
    const same = await engine.copy({
      from,
      to: `oci:${at('same')}:1`,
      platform: 'all',
      format: 'oci',
      preserveDigests: true,
    })
    expect(same.root).toMatchObject(sample.index.descriptor)
    await expect(engine.copy({ ...request, preserveDigests: true })).rejects.toThrow('would not be preserved')
    const one = await engine.copy({ ...request, to: `oci:${at('one')}:1`, platform: arm64 })
    expect(one.root.mediaType).toBe(MEDIA.dockerManifest)
  })

  test('layers compressed anew', async () => {
    const request = { from: `oci:${at('source')}:1.0`, to: `oci:${at('zstd')}:1`, platform: 'all' } as const
    const compression = { algorithm: 'zstd', force: true } as const
    await engine.copy({ ...request, compression })
    expect(await typesOf(at('zstd'))).toEqual([MEDIA.ociIndex, MEDIA.ociManifest, MEDIA.ociConfig, MEDIA.ociLayerZstd])
    const refused = engine.copy({ ...request, compression, preserveDigests: true })
    await expect(refused).rejects.toMatchObject({ code: 'PLACE_UNSUPPORTED' })
    expect(engine.images.list()).toEqual([])
  })
})

describe('referrers', () => {
  const tagOf = (digest: Digest, suffix: string): string => digest.replace(':', '-') + suffix

  test('what refers to a platform of the image comes along when asked for', async () => {
    const from = `oci:${at('source')}:1.0`
    expect(await copyAll(from, `dir:${at('bare')}`)).toMatchObject({ referrers: 0 })
    expect(existsSync(at('bare', `${digestHex(sample.signature.descriptor.digest)}.manifest.json`))).toBe(false)
    const { referrers } = await engine.copy({ from, to: `oci:${at('end')}:1`, platform: 'all', referrers: true })
    expect(referrers).toBe(1)
    const end = await openOciLayout(at('end'))
    expect(await end.has(sample.signature.descriptor)).toBe(true)
  })

  test('through the store and an archive too', async () => {
    const tour = [`oci:${at('source')}:1.0`, 'app', `oci-archive:${at('a.tar')}:1`, `oci:${at('end')}:1`]
    for (const [i, to] of tour.entries()) {
      if (i === 0) continue
      const report = await engine.copy({ from: tour[i - 1]!, to, platform: 'all', referrers: true })
      expect(report.referrers).toBe(1)
    }
  })

  test('those of the list that a tag stands for', async () => {
    const source = await createOciLayout(at('source'))
    const other = makeSample('other')
    for (const { descriptor, bytes } of other.contents) await source.write(descriptor, bytesOf(bytes))
    const list = writeIndex(createIndex([other.manifest.descriptor]))
    await source.write(list.descriptor, bytesOf(list.bytes))
    await source.tag(tagOf(sample.index.descriptor.digest, ''), list.descriptor)
    const from = `oci:${at('source')}:1.0`
    const report = await engine.copy({ from, to: `dir:${at('dir')}`, platform: 'all', referrers: true })
    // the signature of the image, the manifest of the list, and its signature
    expect(report.referrers).toBe(3)
    expect(await (await openImageDirectory(at('dir'))).has(other.manifest.descriptor)).toBe(true)
  })

  test('not of an image that became another one', async () => {
    const events: ProgressEvent[] = []
    const request = {
      from: `oci:${at('source')}:1.0`,
      to: `oci:${at('end')}:1`,
      referrers: true,
      format: 'docker',
    } as const
    const { referrers } = await engine.copy(request, { progress: (event) => events.push(event) })
    expect(referrers).toBe(0)
    expect(events).toContainEqual(expect.objectContaining({ type: 'warning', code: 'REFERRERS_LEFT' }))
  })

  test('those that are only found by a tag', async () => {
    const source = await createOciLayout(at('source'))
    const other = makeSample('other')
    await fill(source, other, tagOf(sample.index.descriptor.digest, '.sig'))
    const from = `oci:${at('source')}:1.0`
    await engine.copy({ from, to: `oci:${at('end')}:1`, platform: 'all', referrers: true })
    await engine.copy({ from, to: 'app:1', platform: 'all', referrers: true })
    const end = await openOciLayout(at('end'))
    const tag = tagOf(sample.index.descriptor.digest, '.sig')
    expect(await end.resolve(tag)).toMatchObject(other.index.descriptor)
    expect(engine.images.inspect(`app:${tag}`)).toBeDefined()
  })
})
