import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { gzipSync, zstdCompressSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  type Bytes,
  bytesOf,
  collectBytes,
  digestHex,
  digestOf,
  type ProgressEvent,
  toByteString,
} from '../core/index.ts'
import { type TarInput, writeTar } from '../layer/index.ts'
import { type Descriptor, type ImageTarget, MEDIA, parseConfig, parseManifest, writeConfig } from '../oci/index.ts'
import {
  imageSourceSuite,
  listed,
  makeImage,
  makeSample,
  type Sample,
  type SampleContent,
  tarFile,
} from '../oci/repository.suite.ts'
import {
  type ArchiveFormat,
  copyImage,
  MemoryRepository,
  openImageArchive,
  saveFile,
  writeImageArchive,
} from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-archive-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string): string => path.join(folder, name)

const all = (bytes: Bytes): Promise<Buffer> => collectBytes(bytes, 1 << 28, () => new Error('endless'))

async function memory(
  contents: readonly SampleContent[],
  names: Record<string, Descriptor>,
): Promise<MemoryRepository> {
  const repository = new MemoryRepository()
  for (const { descriptor, bytes } of contents) await repository.write(descriptor, bytesOf(bytes))
  for (const [name, descriptor] of Object.entries(names)) await repository.tag(name, descriptor)
  return repository
}

/** An archive of everything in a repository that has a name. */
function archiveOf(format: ArchiveFormat, from: MemoryRepository): Bytes {
  return writeImageArchive(format, async (target) => {
    for await (const name of from.tags()) await copyImage(from, target, { ref: name, as: name })
  })
}

type Member = [name: string, content: string | Buffer | { link: string; type?: 'symlink' | 'hardlink' } | 'folder']

/** An archive made by hand. */
async function tarOf(...members: Member[]): Promise<Buffer> {
  const attributes = { mode: 0o644, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }
  const sources = members.map(([name, content]) => {
    const base = { ...attributes, name: toByteString(name) }
    if (content === 'folder') return { entry: { ...base, type: 'directory' } satisfies TarInput }
    if (typeof content === 'object' && 'link' in content) {
      return {
        entry: { ...base, type: content.type ?? 'symlink', link: toByteString(content.link) } satisfies TarInput,
      }
    }
    const bytes = Buffer.from(content)
    return { entry: { ...base, type: 'file', size: bytes.length } satisfies TarInput, body: bytesOf(bytes) }
  })
  return all(writeTar(sources))
}

const sample = makeSample()
const amd64 = { os: 'linux', architecture: 'amd64' }
const tars = [tarFile('a', '1'), tarFile('b', '2')]
const image = makeImage(amd64, tars)
const configName = `${digestHex(image.config.descriptor.digest)}.json`
const json = (...items: object[]): Member => ['manifest.json', JSON.stringify(items)]
const item = (more: object = {}): object => ({
  Config: configName,
  RepoTags: ['busybox:1'],
  Layers: ['0/layer.tar', '1/layer.tar'],
  ...more,
})
const config: Member = [configName, image.config.bytes]
const layers: Member[] = [
  ['0/layer.tar', tars[0]!],
  ['1/layer.tar', tars[1]!],
]

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

describe('an archive that is written', () => {
  const list = async (bytes: Buffer): Promise<string[]> => {
    writeFileSync(file('x.tar'), bytes)
    const lines = execFileSync('tar', ['tvf', file('x.tar'), '--full-time'], {
      encoding: 'utf8',
      env: { ...process.env, TZ: 'UTC' },
    })
    return lines
      .trim()
      .split('\n')
      .map((line) => line.replace(/ +/g, ' '))
  }
  const member = (bytes: Buffer, name: string): string => {
    writeFileSync(file('x.tar'), bytes)
    return execFileSync('tar', ['xOf', file('x.tar'), name], { encoding: 'utf8' })
  }
  const plainImage = async (): Promise<MemoryRepository> => {
    const plain = parseManifest(image.manifest.bytes)
    const layered = plain.layers.map((_, i) => ({
      mediaType: MEDIA.ociLayer,
      digest: digestOf(tars[i]!),
      size: tars[i]!.length,
    }))
    const bytes = Buffer.from(JSON.stringify({ ...plain, layers: layered }))
    const manifest = {
      descriptor: { mediaType: MEDIA.ociManifest, digest: digestOf(bytes), size: bytes.length },
      bytes,
    }
    const contents = [...layered.map((descriptor, i) => ({ descriptor, bytes: tars[i]! })), image.config, manifest]
    return memory(contents, {
      'docker.io/library/app:1': manifest.descriptor,
      'localhost:5000/me/app:2': manifest.descriptor,
    })
  }

  test('has the members, modes and times of Docker 25 and later', async () => {
    const lines = await list(await all(archiveOf('docker', await plainImage())))
    const blobs = lines.filter((line) => line.includes('blobs/sha256/') && !line.endsWith('/'))
    expect(blobs).toHaveLength(4)
    for (const line of blobs)
      expect(line).toMatch(/^-rw-r--r-- 0\/0 \d+ 1970-01-01 00:00:00 blobs\/sha256\/[0-9a-f]{64}$/)
    expect(lines.filter((line) => !blobs.includes(line)).map((line) => line.replace(/ \d+ 1970/, ' 1970'))).toEqual([
      'drwxr-xr-x 0/0 1970-01-01 00:00:00 blobs/',
      'drwxr-xr-x 0/0 1970-01-01 00:00:00 blobs/sha256/',
      '-rw-r--r-- 0/0 1970-01-01 00:00:00 index.json',
      '-rw-r--r-- 0/0 1970-01-01 00:00:00 manifest.json',
      '-rw-r--r-- 0/0 1970-01-01 00:00:00 oci-layout',
      '-rw-r--r-- 0/0 1970-01-01 00:00:00 repositories',
    ])
  })

  test('lists its images as Docker does', async () => {
    const from = await plainImage()
    const bytes = await all(archiveOf('docker', from))
    const [bottom, top] = tars.map((tar) => digestHex(digestOf(tar)))
    const source = (i: number): object => ({
      mediaType: MEDIA.ociLayer,
      size: tars[i]!.length,
      digest: digestOf(tars[i]!),
    })
    expect(JSON.parse(member(bytes, 'manifest.json'))).toEqual([
      {
        Config: `blobs/sha256/${digestHex(image.config.descriptor.digest)}`,
        RepoTags: ['app:1', 'localhost:5000/me/app:2'],
        Layers: [`blobs/sha256/${bottom}`, `blobs/sha256/${top}`],
        LayerSources: { [`sha256:${bottom}`]: source(0), [`sha256:${top}`]: source(1) },
      },
    ])
    expect(member(bytes, 'repositories')).toBe(`{"app":{"1":"${top}"},"localhost:5000/me/app":{"2":"${top}"}}`)
    const { digest, size } = await from.resolve('docker.io/library/app:1')
    const entry = (name: string, tag: string): string =>
      `{"mediaType":"${MEDIA.ociManifest}","digest":"${digest}","size":${size},"annotations":` +
      `{"io.containerd.image.name":"${name}","org.opencontainers.image.ref.name":"${tag}"}}`
    const entries = [entry('docker.io/library/app:1', '1'), entry('localhost:5000/me/app:2', '2')]
    expect(member(bytes, 'index.json')).toBe(
      `{"schemaVersion":2,"mediaType":"${MEDIA.ociIndex}","manifests":[${entries.join(',')}]}`,
    )
  })

  test('says nothing of the sources of compressed layers', async () => {
    const from = await memory([...image.layers, image.config, image.manifest], { 'a:1': image.manifest.descriptor })
    expect(JSON.parse(member(await all(archiveOf('docker', from)), 'manifest.json'))[0]).not.toHaveProperty(
      'LayerSources',
    )
  })

  test('has neither manifest.json nor repositories as an OCI archive', async () => {
    const names = (await list(await all(archiveOf('oci', await plainImage())))).map((line) => line.split(' ').at(-1))
    expect(names.filter((name) => !name!.startsWith('blobs'))).toEqual(['index.json', 'oci-layout'])
  })

  test('is the same every time', async () => {
    const from = await memory(sample.contents, { 'a:1': sample.index.descriptor, 'b:1': sample.manifest.descriptor })
    const [first, second] = await Promise.all([all(archiveOf('docker', from)), all(archiveOf('docker', from))])
    expect(first!.equals(second!)).toBe(true)
  })

  test('holds what several images share once', async () => {
    const from = await memory(sample.contents, { 'a:1': sample.index.descriptor, 'b:1': sample.manifest.descriptor })
    const names = await list(await all(archiveOf('docker', from)))
    expect(new Set(names).size).toBe(names.length)
  })

  test('lists an image that has no name', async () => {
    const from = await memory([...image.layers, image.config, image.manifest], {})
    const ref = image.manifest.descriptor.digest
    const bytes = await all(
      writeImageArchive('docker', async (target) => {
        await copyImage(from, target, { ref })
      }),
    )
    expect(JSON.parse(member(bytes, 'manifest.json'))[0].RepoTags).toBeNull()
    expect(JSON.parse(member(bytes, 'index.json')).manifests).toEqual([image.manifest.descriptor])
    await using archive = await openImageArchive(bytesOf(bytes))
    expect(await archive.images()).toEqual([{ descriptor: image.manifest.descriptor, names: [] }])
  })

  test('offers Docker the image of this machine out of an index', async () => {
    const architecture = process.arch === 'arm64' ? 'arm64' : 'amd64'
    const from = await memory(sample.contents, { 'a:1': sample.index.descriptor })
    const bytes = await all(archiveOf('docker', from))
    const [only] = JSON.parse(member(bytes, 'manifest.json'))
    expect(JSON.parse(member(bytes, only.Config)).architecture).toBe(architecture)
  })

  test('a failure inside is the failure of the bytes', async () => {
    const from = await memory([image.config, image.manifest], { 'a:1': image.manifest.descriptor })
    await expect(all(archiveOf('docker', from))).rejects.toMatchObject({
      code: 'BLOB_NOT_FOUND',
      data: { side: 'source' },
    })
    const early = writeImageArchive('oci', async () => {
      throw new Error('before anything')
    })
    await expect(all(early)).rejects.toThrow('before anything')
  })

  test('bytes that nobody reads to the end end the copy', async () => {
    const from = await memory(sample.contents, { 'a:1': sample.index.descriptor })
    let outcome: unknown
    const bytes = writeImageArchive('docker', async (target) => {
      outcome = await copyImage(from, target, { ref: 'a:1' }).catch((error: unknown) => error)
    })
    let chunks = 0
    for await (const _ of bytes) if (++chunks === 4) break
    expect(outcome).toMatchObject({ code: 'CANCELED' })
  })

  test('wrong content spoils the archive', async () => {
    const put = async (target: ImageTarget, bytes: Buffer): Promise<void> =>
      target.write(image.layers[0]!.descriptor, bytesOf(bytes))
    const bytes = writeImageArchive('oci', (target) => put(target, Buffer.alloc(image.layers[0]!.bytes.length)))
    await expect(all(bytes)).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
    const swallowed = writeImageArchive('oci', async (target) => {
      await put(target, Buffer.alloc(3)).catch(() => {})
      await put(target, image.layers[0]!.bytes).catch(() => {})
    })
    await expect(all(swallowed)).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
  })

  test('content that has left cannot be read again, documents can', async () => {
    const from = await memory([...image.layers, image.config, image.manifest], { 'a:1': image.manifest.descriptor })
    await all(
      writeImageArchive('oci', async (target) => {
        await copyImage(from, target, { ref: 'a:1', as: 'a:1' })
        expect(await all(target.read(image.config.descriptor))).toEqual(image.config.bytes)
        await expect(all(target.read(image.layers[0]!.descriptor))).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
        expect(await listed(target.tags())).toEqual(['docker.io/library/a:1'])
        await target.untag('a:1')
        await expect(target.untag('a:1')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
      }),
    )
  })

  test('goes to a file as a whole', async () => {
    const from = await memory([...image.layers, image.config, image.manifest], { 'a:1': image.manifest.descriptor })
    await saveFile(file('out.tar'), archiveOf('docker', from))
    const before = readFileSync(file('out.tar'))
    expect(before.equals(await all(archiveOf('docker', from)))).toBe(true)
    const broken = await memory([image.config, image.manifest], { 'a:1': image.manifest.descriptor })
    await expect(saveFile(file('out.tar'), archiveOf('docker', broken))).rejects.toThrow()
    expect(readFileSync(file('out.tar')).equals(before)).toBe(true)
    expect(readdirSync(folder)).toEqual(['out.tar'])
    await saveFile('/dev/null', archiveOf('docker', from))
    const nowhere = saveFile(file('no/such/folder.tar'), archiveOf('docker', from))
    await expect(nowhere).rejects.toMatchObject({ code: 'COPY_FAILED', message: expect.stringContaining('ENOENT') })
  })
})

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

describe('a hostile archive', () => {
  const refused = async (...members: Member[]): Promise<unknown> => {
    const bytes = await tarOf(...members)
    try {
      await using archive = await openImageArchive(bytesOf(bytes))
      for (const { descriptor } of await archive.images()) {
        await copyImage(archive, new MemoryRepository(), { ref: descriptor.digest, select: 'available' })
      }
    } catch (error) {
      return error
    }
    return 'accepted'
  }
  const spoiled = tars[1]!.map((byte, i) => (i === 600 ? byte ^ 1 : byte))

  test.each<[string, Member[], object]>([
    [
      'a config outside',
      [...layers, json(item({ Config: '../../../../etc/passwd' }))],
      { message: /leads out of the arch/ },
    ],
    [
      'a config at the root',
      [...layers, json(item({ Config: '/etc/passwd' }))],
      { message: /no "\/etc\/passwd" in it/ },
    ],
    [
      'a layer outside',
      [config, json(item({ Layers: ['../../x', '/etc/shadow'] }))],
      { message: /leads out of the arch/ },
    ],
    [
      'a layer that is a link outside',
      [config, layers[0]!, ['1/layer.tar', { link: '../../../etc/passwd' }], json(item())],
      { message: /"1\/layer.tar" leads out of the archive/ },
    ],
    [
      'a layer that is a link to the host',
      [config, layers[0]!, ['1/layer.tar', { link: '/etc/passwd' }], json(item())],
      { message: /leads out of the archive/ },
    ],
    [
      'a hard link outside',
      [config, layers[0]!, ['1/layer.tar', { link: '../x', type: 'hardlink' }], json(item())],
      { message: /leads out of the archive/ },
    ],
    [
      'links in a circle',
      [config, layers[0]!, ['1/layer.tar', { link: '../l' }], ['l', { link: '1/layer.tar' }], json(item())],
      { message: /"1\/layer.tar" is a loop of links/ },
    ],
    [
      'a manifest.json that is a link outside',
      [['manifest.json', { link: '/etc/passwd' }]],
      { message: /"manifest.json" leads out/ },
    ],
    ['two manifest.json', [config, ...layers, json(item()), json(item())], { message: /more than once/ }],
    ['two configs', [config, config, ...layers, json(item())], { message: /more than once/ }],
    ['no config', [...layers, json(item())], { message: /there is no "[0-9a-f]{64}.json" in it/ }],
    ['a missing layer', [config, layers[0]!, json(item())], { message: /there is no "1\/layer.tar" in it/ }],
    ['a config of another digest', [[configName, '{}'], ...layers, json(item())], { code: 'CONTENT_MISMATCH' }],
    [
      'a layer of another digest',
      [config, layers[0]!, ['1/layer.tar', Buffer.from(spoiled)], json(item())],
      { code: 'CONTENT_MISMATCH' },
    ],
    [
      'fewer layers than diff ids',
      [config, ...layers, json(item({ Layers: ['0/layer.tar'] }))],
      { code: 'CONFIG_INVALID', message: /layers length mismatch: expected 2, got 1/ },
    ],
    [
      'a name with traversal',
      [config, ...layers, json(item({ RepoTags: ['../../up:evil'] }))],
      { message: /invalid tag "..\/..\/up:evil"/ },
    ],
    [
      'a name in capitals',
      [config, ...layers, json(item({ RepoTags: ['EVIL/UP:evil'] }))],
      { code: 'ARCHIVE_INVALID' },
    ],
    [
      'a name with an escape',
      [config, ...layers, json(item({ RepoTags: ['x/\x1b[31m:x'] }))],
      { message: /invalid tag "x\/\\u001b\[31m:x"/ },
    ],
    [
      'names that are no list',
      [config, ...layers, json(item({ RepoTags: 'x' }))],
      { message: /RepoTags of item 0 is not a list/ },
    ],
    [
      'layers that are no strings',
      [config, ...layers, json(item({ Layers: [1] }))],
      { message: /Layers of item 0 is not a list/ },
    ],
    ['no Config', [...layers, json({})], { message: /item 0 has no Config/ }],
    ['an item that is no object', [['manifest.json', '[1]']], { message: /item 0 is not an object/ }],
    ['a manifest.json that is no list', [['manifest.json', '{}']], { message: /manifest.json is not a list/ }],
    ['null for a manifest.json', [['manifest.json', 'null']], { message: 'unrecognized image format' }],
    ['a huge manifest.json', [['manifest.json', Buffer.alloc(9 << 20, ' ')]], { message: /larger than 8388608 bytes/ }],
    ['a huge index.json', [['index.json', Buffer.alloc(5 << 20, ' ')]], { message: /larger than 4194304 bytes/ }],
    [
      'a huge config',
      [['c', Buffer.alloc(9 << 20, ' ')], ...layers, json(item({ Config: 'c' }))],
      { message: /"c" is larger than/ },
    ],
    ['a deep manifest.json', [['manifest.json', '['.repeat(100_000)]], { code: 'JSON_INVALID' }],
    ['a file system', [['etc/passwd', 'root']], { message: 'unrecognized image format', hint: /import/ }],
    [
      'an xz layer',
      [config, layers[0]!, ['1/layer.tar', Buffer.from([0xfd, 0x37, 0x7a, 0x58, 0x5a, 0, 0])], json(item())],
      { message: /compressed with xz/ },
    ],
    [
      'an index.json with the path of a file for a digest',
      [
        [
          'index.json',
          `{"schemaVersion":2,"manifests":[{"mediaType":"${MEDIA.ociManifest}","size":1,"digest":"sha256:../../x"}]}`,
        ],
      ],
      { code: 'MANIFEST_INVALID' },
    ],
  ])('with %s', async (_name, members, error) => {
    const matchers = Object.entries(error).map(([key, value]) => [
      key,
      value instanceof RegExp ? expect.stringMatching(value) : value,
    ])
    expect(await refused(...members)).toMatchObject({ code: 'ARCHIVE_INVALID', ...Object.fromEntries(matchers) })
  })

  test('that is cut off', async () => {
    const bytes = await tarOf(config, ...layers, json(item()))
    writeFileSync(file('cut.tar'), bytes.subarray(0, bytes.length - 2000))
    const cut = { code: 'TAR_INVALID', message: expect.stringContaining('unexpected EOF') }
    await expect(openImageArchive(file('cut.tar'))).rejects.toMatchObject(cut)
    await expect(openImageArchive(bytesOf(bytes.subarray(0, bytes.length - 2000)))).rejects.toMatchObject(cut)
    const packed = gzipSync(bytes)
    await expect(openImageArchive(bytesOf(packed.subarray(0, packed.length / 2)))).rejects.toMatchObject({
      code: 'COMPRESSION_INVALID',
    })
  })

  test('that is text, nothing, a folder, or not there', async () => {
    await expect(openImageArchive(bytesOf(Buffer.from('hello\n')))).rejects.toMatchObject({ code: 'TAR_INVALID' })
    await expect(openImageArchive(bytesOf())).rejects.toMatchObject({ message: 'unrecognized image format' })
    await expect(openImageArchive(folder)).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
    await expect(openImageArchive(file('none'))).rejects.toMatchObject({
      message: `open ${file('none')}: no such file or directory`,
    })
    symlinkSync('/dev/zero', file('zero'))
    await expect(openImageArchive(file('zero'))).rejects.toMatchObject({ code: 'ARCHIVE_INVALID' })
  })

  test('with more members than any archive of images has', async () => {
    const one = await tarOf(['x', ''])
    const header = one.subarray(0, 512)
    const many = async function* (): Bytes {
      for (let i = 0; i < 110; i++) yield Buffer.concat(Array(1000).fill(header))
    }
    await expect(openImageArchive(many())).rejects.toMatchObject({
      code: 'ARCHIVE_INVALID',
      message: expect.stringContaining('more than 100000 members'),
    })
  })

  test('is not read on when the job is canceled', async () => {
    const stop = new AbortController()
    const bytes = await tarOf(config, ...layers, json(item()))
    const stopping = async function* (): Bytes {
      yield bytes.subarray(0, 1000)
      stop.abort()
      yield bytes.subarray(1000)
    }
    const job = { progress: () => {}, signal: stop.signal }
    await expect(openImageArchive(stopping(), { temporary: folder }, job)).rejects.toMatchObject({ code: 'CANCELED' })
    expect(readdirSync(folder)).toEqual([])
  })
})
