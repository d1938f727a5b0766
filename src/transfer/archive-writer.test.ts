import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesOf, digestHex, digestOf } from '../core/index.ts'
import { type ImageTarget, MEDIA, parseManifest } from '../oci/index.ts'
import { listed } from '../oci/repository.suite.ts'
import { all, archiveOf, image, memory, sample, tars } from './archive.suite.ts'
import { copyImage, type MemoryRepository, openImageArchive, saveFile, writeImageArchive } from './index.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(path.join(os.tmpdir(), 'slipway-archive-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))
const file = (name: string): string => path.join(folder, name)

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

  test('takes a bare name for an image or for a tag, as those who read it do', async () => {
    const from = await memory([...image.layers, image.config, image.manifest], { busybox: image.manifest.descriptor })
    const names = async (format: 'docker' | 'oci'): Promise<string[]> => {
      await using archive = await openImageArchive(bytesOf(await all(archiveOf(format, from))))
      return listed(archive.tags())
    }
    expect(await names('docker')).toEqual(['docker.io/library/busybox:latest'])
    expect(await names('oci')).toEqual(['busybox'])
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
