import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, digestHex, digestOf, type ProgressEvent } from '../core/index.ts'
import { type Descriptor, MEDIA, parseConfig, parseManifest, writeConfig } from '../oci/index.ts'
import { imageSourceSuite, listed, type Sample } from '../oci/repository.suite.ts'
import {
  all,
  archiveOf,
  config,
  image,
  item,
  json,
  layers,
  type Member,
  memory,
  sample,
  tarOf,
  tars,
} from './archive.suite.ts'
import { copyImage, MemoryRepository, openImageArchive, writeImageArchive } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-archive-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string): string => path.join(folder, name)

for (const format of ['oci', 'docker'] as const) {
  for (const way of ['file', 'stream'] as const) {
    imageSourceSuite(`${format} archive as a ${way}`, {
      tag: 'docker.io/library/first:1.0',
      open: async (content: Sample) => {
        const from = await memory(content.contents, {
          'docker.io/library/first:1.0': content.index.descriptor,
          'docker.io/library/signature:1.0': content.signature.descriptor,
        })
        const bytes = await all(archiveOf(format, from))
        if (way === 'file') writeFileSync(file('image.tar'), bytes)
        const archive = await openImageArchive(way === 'file' ? file('image.tar') : bytesOf(bytes))
        return { repository: archive, close: () => archive[Symbol.asyncDispose]() }
      },
    })
  }
}

describe('a docker archive that is read', () => {
  const load = async (input: Buffer | string, events: ProgressEvent[] = []): Promise<MemoryRepository> => {
    const to = new MemoryRepository()
    const job = { progress: (event: ProgressEvent) => void events.push(event) }
    await using archive = await openImageArchive(typeof input === 'string' ? input : bytesOf(input), {}, job)
    for (const { descriptor, names } of await archive.images()) {
      for (const name of names.length > 0 ? names : ['none']) {
        await copyImage(archive, to, { ref: descriptor.digest, as: name, select: 'available' }, job)
      }
    }
    return to
  }
  const manifestOf = async (repository: MemoryRepository, name: string): Promise<Descriptor[]> => {
    const bytes = await all(repository.read(await repository.resolve(name)))
    return [...parseManifest(bytes).layers]
  }
  const plain = tars.map((tar) => ({ mediaType: MEDIA.ociLayer, digest: digestOf(tar), size: tar.length }))

  test('of Docker before 25: folders of layers, in which one layer may be a link to another', async () => {
    const archive = await tarOf(
      ['0', 'folder'],
      ['0/VERSION', '1.0'],
      ['0/layer.tar', tars[0]!],
      ['1/layer.tar', tars[1]!],
      ['2/layer.tar', { link: '../0/layer.tar' }],
      config,
      json(item(), item({ RepoTags: ['me/other:2', 'me/other:3'], Layers: ['2/layer.tar', '1/layer.tar'] })),
      ['repositories', '{}'],
    )
    const to = await load(archive)
    const names = ['busybox:1', 'me/other:2', 'me/other:3'].map(
      (name) => `docker.io/${name.includes('/') ? '' : 'library/'}${name}`,
    )
    expect(await listed(to.tags())).toEqual(names)
    for (const name of names) expect(await manifestOf(to, name)).toEqual(plain)
    expect(await to.has(image.config.descriptor)).toBe(true)
  })

  test('with links in the way of podman and of hard links', async () => {
    const archive = await tarOf(
      [`${digestHex(plain[0]!.digest)}.tar`, tars[0]!],
      ['./b.tar', tars[1]!],
      ['x/layer.tar', { link: `../${digestHex(plain[0]!.digest)}.tar` }],
      ['hard.tar', { link: 'b.tar', type: 'hardlink' }],
      ['chain', { link: './hard.tar' }],
      config,
      json(item({ Layers: ['x/layer.tar', 'chain'] })),
    )
    expect(await manifestOf(await load(archive), 'docker.io/library/busybox:1')).toEqual(plain)
  })

  test.each([
    ['gzip', (tar: Buffer) => gzipSync(tar), MEDIA.ociLayerGzip],
    ['zstd', (tar: Buffer) => zstdCompressSync(tar), MEDIA.ociLayerZstd],
  ])('with %s layers, as kaniko and others write them', async (_name, compress, mediaType) => {
    const packed = tars.map(compress)
    const archive = await tarOf(
      [`sha256:${digestHex(image.config.descriptor.digest)}`, image.config.bytes],
      ['a.tar.gz', packed[0]!],
      ['b.tar.gz', packed[1]!],
      json(item({ Config: image.config.descriptor.digest, Layers: ['a.tar.gz', 'b.tar.gz'] })),
    )
    const expected = packed.map((bytes) => ({ mediaType, digest: digestOf(bytes), size: bytes.length }))
    expect(await manifestOf(await load(archive), 'docker.io/library/busybox:1')).toEqual(expected)
  })

  test('with and without names', async () => {
    const archive = await tarOf(...layers, config, json(item({ RepoTags: null })))
    expect(await listed((await load(archive)).tags())).toEqual(['none'])
    const completed = await load(await tarOf(...layers, config, json(item({ RepoTags: ['busybox'] }))))
    expect(await listed(completed.tags())).toEqual(['docker.io/library/busybox:latest'])
  })

  test('with one name for two images: the later one has it, the other one is still there', async () => {
    const other = writeConfig({ ...parseConfig(image.config.bytes), author: 'other' })
    const archive = await tarOf(
      ...layers,
      config,
      ['other.json', other.bytes],
      json(item(), item({ Config: 'other.json' })),
    )
    await using opened = await openImageArchive(bytesOf(archive))
    expect((await opened.images()).map(({ names }) => names)).toEqual([['docker.io/library/busybox:1'], []])
    const winner = await opened.resolve('busybox:1')
    expect(parseManifest(await all(opened.read(winner))).config.digest).toBe(other.descriptor.digest)
  })

  test('whose index.json lists nothing, as Docker writes it for an image without a name', async () => {
    const blob = (content: { descriptor: Descriptor }): string => `blobs/sha256/${digestHex(content.descriptor.digest)}`
    const archive = await tarOf(
      ...image.layers.map((layer): Member => [blob(layer), layer.bytes]),
      [blob(image.config), image.config.bytes],
      ['index.json', `{"schemaVersion":2,"mediaType":"${MEDIA.ociIndex}","manifests":null}`],
      json(item({ Config: blob(image.config), RepoTags: null, Layers: image.layers.map(blob) })),
      ['oci-layout', '{"imageLayoutVersion": "1.0.0"}'],
    )
    expect(await manifestOf(await load(archive), 'none')).toEqual(image.layers.map((layer) => layer.descriptor))
  })

  test('of which index.json lists images without names and manifest.json knows them', async () => {
    const from = await memory([...image.layers, image.config, image.manifest], { 'a:1': image.manifest.descriptor })
    const bytes = await all(archiveOf('docker', from))
    const anonymous = bytes
      .toString('latin1')
      .replace(/"annotations":\{[^}]*\}/, (text) => `"urls":[${' '.repeat(text.length - 9)}]`)
    const to = await load(Buffer.from(anonymous, 'latin1'))
    expect(await to.resolve('docker.io/library/a:1')).toEqual(image.manifest.descriptor)
  })

  test('keeps the digest of what it was written from', async () => {
    const from = await memory(sample.contents, { 'a:1': sample.index.descriptor })
    const to = await load(await all(archiveOf('docker', from)))
    expect(await to.resolve('docker.io/library/a:1')).toEqual(sample.index.descriptor)
  })

  test('with an image of one platform out of an index of several', async () => {
    const other = sample.contents.filter(({ descriptor }) => descriptor.mediaType === MEDIA.ociManifest)[1]!
    const from = await memory(
      sample.contents.filter((content) => content !== other),
      {
        'a:1': sample.index.descriptor,
      },
    )
    const bytes = await all(
      writeImageArchive('docker', async (target) => {
        await copyImage(from, target, { ref: 'a:1', as: 'a:1', select: 'available' })
      }),
    )
    const to = await load(bytes)
    expect(await to.has(sample.manifest.descriptor)).toBe(true)
    expect(await to.resolve('docker.io/library/a:1')).toEqual(sample.index.descriptor)
  })

  const compressors: [string, (tar: Buffer) => Buffer][] = [
    ['gzip', (tar) => gzipSync(tar)],
    ['zstd', (tar) => zstdCompressSync(tar)],
    ['bzip2', (tar) => execFileSync('bzip2', { input: tar })],
    ['xz', (tar) => execFileSync('xz', { input: tar })],
  ]
  const installed = (program: string): boolean => {
    try {
      execFileSync('sh', ['-c', `command -v ${program}`])
      return true
    } catch {
      return false
    }
  }
  for (const [name, compress] of compressors) {
    const builtIn = name === 'gzip' || name === 'zstd'
    test.skipIf(!builtIn && !installed(name))(
      `compressed with ${name} as a whole, on disk and as a stream`,
      async () => {
        const packed = compress(await tarOf(...layers, config, json(item())))
        writeFileSync(file('image.tar.x'), packed)
        expect(await manifestOf(await load(file('image.tar.x')), 'docker.io/library/busybox:1')).toEqual(plain)
        const events: ProgressEvent[] = []
        expect(await manifestOf(await load(packed, events), 'docker.io/library/busybox:1')).toEqual(plain)
        expect(events[0]).toMatchObject({ type: 'started', name: 'reading the archive' })
        expect(readdirSync(folder)).toEqual(['image.tar.x'])
      },
    )
  }

  test('spools to the folder it is told, and leaves nothing there', async () => {
    const bytes = await tarOf(...layers, config, json(item()))
    await using archive = await openImageArchive(bytesOf(bytes), { temporary: folder })
    expect(readdirSync(folder)).toEqual([])
    expect(await all(archive.read(plain[1]!))).toEqual(tars[1])
    await expect(openImageArchive(bytesOf(bytes), { temporary: file('none') })).rejects.toMatchObject({
      code: 'COPY_FAILED',
    })
  })

  test('on disk is not read where layers lie, before they are wanted', async () => {
    // a file with a hole of 1 TiB for a layer: reading it would take minutes
    const bytes = await tarOf(config, json(item()), layers[0]!, ['big', Buffer.alloc(1024)])
    const big = bytes.indexOf('big\0')
    bytes.write('77777777777\0', big + 124, 'latin1')
    bytes.write('        ', big + 148, 'latin1')
    const sum = bytes.subarray(big, big + 512).reduce((total, byte) => total + byte, 0)
    bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, big + 148, 'latin1')
    writeFileSync(file('big.tar'), bytes.subarray(0, big + 512))
    execFileSync('truncate', ['-s', String(big + 512 + 8589934591 + 1 + 1024), file('big.tar')])
    const failing = openImageArchive(file('big.tar'))
    await expect(failing).rejects.toMatchObject({ message: expect.stringContaining('there is no "1/layer.tar" in it') })
  })
})
