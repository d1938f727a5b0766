import { gzipSync } from 'node:zlib'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type Bytes, bytesOf, collectBytes, digestOf, type Job } from '../core/index.ts'
import {
  appendLayer,
  createIndex,
  type Descriptor,
  descriptorOf,
  emptyImage,
  type ImageSource,
  type ImageTarget,
  MEDIA,
  writeImage,
  writeIndex,
  writeManifest,
} from './index.ts'

/** Content with the descriptor that points at it. */
export interface SampleContent {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

/** Images to try a repository with: an index of two platforms, and a signature of the first manifest. */
export interface Sample {
  readonly layer: SampleContent
  readonly config: SampleContent
  readonly manifest: SampleContent
  readonly index: SampleContent
  readonly signature: SampleContent
  /** All of it, children before parents. */
  readonly contents: readonly SampleContent[]
}

/** Makes the sample; `salt` makes it another one, with other digests. */
export function makeSample(salt = ''): Sample {
  const shared = tarFile('shared.txt', `in both${salt}`)
  const images = ['amd64', 'arm64'].map((architecture) => {
    const own = tarFile('own.txt', architecture + salt)
    return { ...makeImage({ os: 'linux', architecture }, [shared, own]), own }
  })
  const [first, second] = images as [(typeof images)[0], (typeof images)[0]]
  const entries = images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform }))
  const index = writeIndex(createIndex(entries))
  const [empty, payload] = [content('{}', MEDIA.ociEmpty), content(`signed${salt}`, 'text/plain')]
  const signature = writeManifest({
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    artifactType: 'application/vnd.example.signature',
    config: empty.descriptor,
    layers: [payload.descriptor],
    subject: first.manifest.descriptor,
    annotations: { by: 'me' },
  })
  const layers = [...first.layers, second.layers[1]!]
  const rest = [first.config, first.manifest, second.config, second.manifest, index]
  return {
    layer: first.layers[1]!,
    config: first.config,
    manifest: first.manifest,
    index,
    signature,
    contents: [...layers, ...rest, empty, payload, signature],
  }
}

/** An image of these plain tars; the layers travel compressed. */
export function makeImage(
  platform: { os: string; architecture: string },
  tars: readonly Buffer[],
): { platform: typeof platform; layers: SampleContent[]; config: SampleContent; manifest: SampleContent } {
  const layers = tars.map((tar) => content(gzipSync(tar), MEDIA.ociLayerGzip))
  const image = tars.reduce(
    (value, tar, i) =>
      appendLayer(value, {
        descriptor: layers[i]!.descriptor,
        diffId: digestOf(tar),
        history: { created_by: `layer ${i}` },
      }),
    emptyImage(platform),
  )
  return { platform, layers, ...writeImage(image) }
}

/** A tar with one file, in the oldest format, so that this suite needs no tar writer. */
export function tarFile(name: string, text: string): Buffer {
  const body = Buffer.from(text)
  const header = Buffer.alloc(512)
  header.write(name, 0)
  header.write('0000644\0' + '0000000\0' + '0000000\0', 100)
  header.write(`${body.length.toString(8).padStart(11, '0')}\0${'0'.repeat(11)}\0        0`, 124)
  header.write('ustar\x0000', 257)
  const sum = header.reduce((total, byte) => total + byte, 0)
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return Buffer.concat([header, body, Buffer.alloc(-body.length & 511), Buffer.alloc(1024)])
}

function content(bytes: Buffer | string, mediaType: string): SampleContent {
  const buffer = Buffer.from(bytes)
  return { descriptor: descriptorOf(buffer, mediaType), bytes: buffer }
}

/** A repository under test. */
export interface Opened<T> {
  readonly repository: T
  close?(): Promise<void>
}

const read = (source: ImageSource, descriptor: Descriptor, range?: { start: number; end?: number }): Promise<Buffer> =>
  collectBytes(source.read(descriptor, range), 1 << 20, () => new Error('endless'))

/** All that a listing gives. */
export async function listed<T>(items: AsyncIterable<T>): Promise<T[]> {
  const result: T[] = []
  for await (const item of items) result.push(item)
  return result
}

const absent = descriptorOf(Buffer.from('nowhere'), MEDIA.ociLayer)

function canceledJob(): Job {
  return { progress: () => {}, signal: AbortSignal.abort() }
}

/** What holds for every source. `open` makes one that holds the sample, with its index under `tag`. */
export function imageSourceSuite(
  name: string,
  options: { tag: string; signatures?: boolean; open(sample: Sample): Promise<Opened<ImageSource>> },
): void {
  describe(`${name} as a source`, () => {
    const sample = makeSample()
    let source: ImageSource
    let opened: Opened<ImageSource>

    beforeEach(async () => {
      opened = await options.open(sample)
      source = opened.repository
    })
    afterEach(async () => {
      await opened.close?.()
    })

    test('resolves tags and digests to manifests and indexes', async () => {
      const { index, manifest } = sample
      expect(await source.resolve(options.tag)).toMatchObject(index.descriptor)
      expect(await source.resolve(index.descriptor.digest)).toMatchObject(index.descriptor)
      expect(await source.resolve(manifest.descriptor.digest)).toMatchObject(manifest.descriptor)
    })

    test.each(['no-such-tag', `sha256:${'0'.repeat(64)}`])('does not resolve %s', async (unknown) => {
      await expect(source.resolve(unknown)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    })

    test('does not take a layer for an image', async () => {
      await expect(source.resolve(sample.layer.descriptor.digest)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
    })

    test('knows what it has', async () => {
      expect(await source.has(sample.layer.descriptor)).toBe(true)
      expect(await source.has(sample.config.descriptor)).toBe(true)
      expect(await source.has(sample.index.descriptor)).toBe(true)
      expect(await source.has(absent)).toBe(false)
    })

    test('reads content whole and in parts', async () => {
      for (const { descriptor, bytes } of [sample.layer, sample.config, sample.manifest, sample.index]) {
        expect(await read(source, descriptor)).toEqual(bytes)
        expect(await read(source, descriptor, { start: 3, end: 10 })).toEqual(bytes.subarray(3, 10))
        expect(await read(source, descriptor, { start: 5 })).toEqual(bytes.subarray(5))
      }
    })

    test('fails on content that is not there', async () => {
      await expect(read(source, absent)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
    })

    test.each([-1, 1])('fails on content that is not as long as its descriptor says (%i)', async (difference) => {
      const { descriptor } = sample.layer
      const lie = { ...descriptor, size: descriptor.size + difference }
      await expect(read(source, lie)).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
    })

    test('a reader may stop early', async () => {
      for await (const _ of source.read(sample.layer.descriptor)) break
      expect(await read(source, sample.layer.descriptor)).toEqual(sample.layer.bytes)
    })

    test('several readers do not disturb each other', async () => {
      const all = await Promise.all([1, 2, 3].map(() => read(source, sample.layer.descriptor)))
      expect(all.every((bytes) => bytes.equals(sample.layer.bytes))).toBe(true)
    })

    test('a canceled job reads nothing', async () => {
      const bytes = source.read(sample.layer.descriptor, undefined, canceledJob())
      await expect(collectBytes(bytes, 1 << 20, () => new Error())).rejects.toMatchObject({ code: 'CANCELED' })
    })

    test('lists its tags', async () => {
      expect(await listed(source.tags())).toContain(options.tag)
    })

    test.skipIf(options.signatures === false)('lists what refers to a manifest', async () => {
      const { manifest, signature, index } = sample
      const entry = {
        ...signature.descriptor,
        artifactType: 'application/vnd.example.signature',
        annotations: { by: 'me' },
      }
      expect(await listed(source.referrers(manifest.descriptor))).toEqual([entry])
      expect(await listed(source.referrers(manifest.descriptor, entry.artifactType))).toEqual([entry])
      expect(await listed(source.referrers(manifest.descriptor, 'application/vnd.other'))).toEqual([])
      expect(await listed(source.referrers(index.descriptor))).toEqual([])
    })
  })
}

/** What holds for every target, beside what holds for every source. `open` makes an empty one. */
export function imageTargetSuite(
  name: string,
  options: { tags: readonly [string, string]; open(): Promise<Opened<ImageTarget>> },
): void {
  const fill = async (target: ImageTarget, sample: Sample): Promise<void> => {
    for (const { descriptor, bytes } of sample.contents) await target.write(descriptor, bytesOf(bytes))
    await target.tag(options.tags[0], sample.index.descriptor)
  }

  imageSourceSuite(name, {
    tag: options.tags[0],
    open: async (sample) => {
      const opened = await options.open()
      await fill(opened.repository, sample)
      return opened
    },
  })

  describe(`${name} as a target`, () => {
    const sample = makeSample()
    const { layer } = sample
    let target: ImageTarget
    let opened: Opened<ImageTarget>

    beforeEach(async () => {
      opened = await options.open()
      target = opened.repository
    })
    afterEach(async () => {
      await opened.close?.()
    })

    test('begins empty', async () => {
      expect(await listed(target.tags())).toEqual([])
      expect(await target.has(layer.descriptor)).toBe(false)
    })

    test('writes the same content twice without harm', async () => {
      await target.write(layer.descriptor, bytesOf(layer.bytes))
      await target.write(layer.descriptor, bytesOf(layer.bytes))
      expect(await read(target, layer.descriptor)).toEqual(layer.bytes)
    })

    test('writes the same content at once without harm', async () => {
      const { bytes } = layer
      const halves = (): Bytes => bytesOf(bytes.subarray(0, 40), bytes.subarray(40))
      await Promise.all([1, 2, 3].map(() => target.write(layer.descriptor, halves())))
      expect(await read(target, layer.descriptor)).toEqual(bytes)
    })

    test.each<[string, (bytes: Buffer) => Buffer]>([
      ['other bytes', (bytes) => Buffer.from(bytes).fill(1, 5, 6)],
      ['too few bytes', (bytes) => bytes.subarray(1)],
      ['too many bytes', (bytes) => Buffer.concat([bytes, Buffer.alloc(1)])],
      ['no bytes', () => Buffer.alloc(0)],
    ])('refuses %s and keeps nothing', async (_name, spoil) => {
      const write = target.write(layer.descriptor, bytesOf(spoil(layer.bytes)))
      await expect(write).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
      expect(await target.has(layer.descriptor)).toBe(false)
      await target.write(layer.descriptor, bytesOf(layer.bytes))
      expect(await read(target, layer.descriptor)).toEqual(layer.bytes)
    })

    test('passes on the error of a source that breaks, and keeps nothing', async () => {
      const broken = async function* (): Bytes {
        yield layer.bytes.subarray(0, 10)
        throw new Error('the line is down')
      }
      await expect(target.write(layer.descriptor, broken())).rejects.toThrow('the line is down')
      expect(await target.has(layer.descriptor)).toBe(false)
    })

    test('stops when the job is canceled, and keeps nothing', async () => {
      const stop = new AbortController()
      const stopping = async function* (): Bytes {
        yield layer.bytes.subarray(0, 10)
        stop.abort()
        yield layer.bytes.subarray(10)
      }
      const write = target.write(layer.descriptor, stopping(), {}, { progress: () => {}, signal: stop.signal })
      await expect(write).rejects.toMatchObject({ code: 'CANCELED' })
      expect(await target.has(layer.descriptor)).toBe(false)
    })

    test('a name moves, and goes', async () => {
      await fill(target, sample)
      const [name, other] = options.tags
      await target.tag(other, sample.manifest.descriptor)
      expect(await listed(target.tags())).toEqual([name, other].sort())
      await target.tag(other, sample.index.descriptor)
      expect(await target.resolve(other)).toMatchObject(sample.index.descriptor)
      await target.untag(other)
      expect(await listed(target.tags())).toEqual([name])
      await expect(target.resolve(other)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
      await expect(target.untag(other)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
      expect(await target.has(sample.index.descriptor)).toBe(true)
    })

    test('does not name what is not there', async () => {
      const tag = target.tag(options.tags[0], sample.manifest.descriptor)
      await expect(tag).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
    })
  })
}
