import { describe, expect, test } from 'vitest'
import {
  type ByteRange,
  type Bytes,
  bytesOf,
  collectBytes,
  digestOf,
  fail,
  type Job,
  type ProgressEvent,
} from '../core/index.ts'
import {
  appendManifest,
  type Body,
  createIndex,
  type Descriptor,
  descriptorOf,
  type Manifest,
  MEDIA,
  parseConfig,
  parseManifest,
  writeAttestation,
  writeConfig,
  writeIndex,
  writeManifest,
} from '../oci/index.ts'
import { makeImage, makeSample, type Sample, type SampleContent, tarFile } from '../oci/repository.suite.ts'
import { type CopyPlan, copyImage, MemoryRepository } from './index.ts'

/** A repository that notes what is asked of it, and can be told to misbehave. */
class Watched extends MemoryRepository {
  readonly log: string[] = []
  running = 0
  most = 0
  onRead: (descriptor: Descriptor) => void = () => {}
  onWrite: (descriptor: Descriptor) => void = () => {}

  override async *read(descriptor: Descriptor, range?: ByteRange, job?: Job): Bytes {
    this.log.push(`read ${descriptor.digest}`)
    this.onRead(descriptor)
    yield* super.read(descriptor, range, job)
  }

  override async write(descriptor: Descriptor, body: Bytes, options?: object, job?: Job): Promise<void> {
    this.log.push(`write ${descriptor.digest}`)
    this.most = Math.max(this.most, ++this.running)
    try {
      await new Promise((resolve) => setTimeout(resolve, 5))
      this.onWrite(descriptor)
      await super.write(descriptor, body, options, job)
    } finally {
      this.running--
    }
  }

  override async tag(name: string, descriptor: Descriptor): Promise<void> {
    this.log.push(`tag ${name}`)
    await super.tag(name, descriptor)
  }
}

async function holding(sample: Sample | readonly SampleContent[], root?: Descriptor): Promise<Watched> {
  const repository = new Watched()
  const contents = 'contents' in sample ? sample.contents : sample
  for (const { descriptor, bytes } of contents) await repository.write(descriptor, bytesOf(bytes))
  await repository.tag('name', root ?? ('index' in sample ? sample.index.descriptor : contents.at(-1)!.descriptor))
  repository.log.length = 0
  return repository
}

function watch(): { job: Job; events: ProgressEvent[] } {
  const events: ProgressEvent[] = []
  return { events, job: { progress: (event) => void events.push(event) } }
}

const sample = makeSample()
const amd64 = { os: 'linux', architecture: 'amd64' }

describe('what is copied', () => {
  test('an index with all its images', async () => {
    const [from, to] = [await holding(sample), new Watched()]
    const { resolved, root } = await copyImage(from, to, { ref: 'name', as: 'copy' })
    expect(resolved).toEqual(sample.index.descriptor)
    expect(root).toEqual(sample.index.descriptor)
    expect(await to.resolve('copy')).toEqual(sample.index.descriptor)
    // the signature refers to the image, but is no part of it
    const signature = sample.contents.slice(-3).map(({ descriptor }) => descriptor.digest)
    for (const { descriptor } of sample.contents) {
      expect(await to.has(descriptor)).toBe(!signature.includes(descriptor.digest))
    }
  })

  test('the image of one platform, named without the index', async () => {
    const [from, to] = [await holding(sample), new Watched()]
    const { resolved, root } = await copyImage(from, to, { ref: 'name', as: 'copy', select: amd64 })
    expect(resolved).toEqual(sample.index.descriptor)
    expect(root.digest).toBe(sample.manifest.descriptor.digest)
    expect(await to.has(sample.index.descriptor)).toBe(false)
    expect(to.log.filter((line) => line.startsWith('write'))).toHaveLength(4)
  })

  test('an image by its digest, without a name', async () => {
    const [from, to] = [await holding(sample), new Watched()]
    await copyImage(from, to, { ref: sample.manifest.descriptor.digest })
    expect(await to.has(sample.layer.descriptor)).toBe(true)
    expect(to.log.some((line) => line.startsWith('tag'))).toBe(false)
  })

  test('what the source has of an index', async () => {
    const [, second] = sample.contents.filter((item) => item.descriptor.mediaType === MEDIA.ociManifest)
    const from = await holding(sample.contents.filter((item) => item !== second).slice(0, 7), sample.index.descriptor)
    await expect(copyImage(from, new Watched(), { ref: 'name' })).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
    const to = new Watched()
    await copyImage(from, to, { ref: 'name', as: 'copy', select: 'available' })
    expect(await to.has(sample.manifest.descriptor)).toBe(true)
    expect(await to.has(second!.descriptor)).toBe(false)
    expect(await to.resolve('copy')).toEqual(sample.index.descriptor)
  })

  test('a thing that is no image travels as it is', async () => {
    const from = await holding(sample, sample.signature.descriptor)
    const to = new MemoryRepository()
    await copyImage(from, to, { ref: 'name', as: 'sig' })
    expect(await to.resolve('sig')).toEqual(sample.signature.descriptor)
  })

  test('an index with one platform and what is attached to that', async () => {
    const of = (architecture: string) => makeImage({ os: 'linux', architecture }, [tarFile('f', architecture)])
    const images = [of('amd64'), of('arm64')] as const
    const statements = images.map(({ manifest }) =>
      writeAttestation(manifest.descriptor, [
        { predicateType: 'p', predicate: manifest.descriptor.digest, subjects: [] },
      ]),
    )
    const entries = images.map(({ manifest, platform }) => ({ ...manifest.descriptor, platform }))
    const index = writeIndex(createIndex([...entries, ...statements.map(({ entry }) => entry)]))
    const contents = images.flatMap(({ layers, config, manifest }) => [...layers, config, manifest])
    const from = await holding([...contents, ...statements.flatMap(({ documents }) => documents), index])
    const to = new Watched()
    const { root } = await copyImage(from, to, { ref: 'name', as: 'copy', select: { onlyFor: amd64 } })
    expect(root).toEqual(index.descriptor)
    expect(await to.has(entries[0]!)).toBe(true)
    expect(await to.has(entries[1]!)).toBe(false)
    expect(await to.has(statements[0]!.entry)).toBe(true)
    expect(await to.has(statements[1]!.entry)).toBe(false)
  })

  test('an index in an index', async () => {
    const outer = writeIndex(createIndex([sample.index.descriptor]))
    const from = await holding([...sample.contents, outer])
    const to = new MemoryRepository()
    await copyImage(from, to, { ref: 'name', as: 'copy', select: amd64 })
    expect((await to.resolve('copy')).digest).toBe(sample.manifest.descriptor.digest)
    await copyImage(from, to, { ref: 'name', as: 'all' })
    expect(await to.resolve('all')).toEqual(outer.descriptor)
  })
})

describe('how it is copied', () => {
  test('children before parents, each digest once, the name last', async () => {
    const [from, to] = [await holding(sample), new Watched()]
    await copyImage(from, to, { ref: 'name', as: 'copy' })
    const written = to.log.map((line) => line.slice(-64))
    const place = (item: SampleContent): number => written.indexOf(item.descriptor.digest.slice(-64))
    expect(place(sample.layer)).toBeLessThan(place(sample.config))
    expect(place(sample.config)).toBeLessThan(place(sample.manifest))
    expect(place(sample.manifest)).toBeLessThan(place(sample.index))
    expect(to.log.at(-1)).toBe('tag copy')
    expect(new Set(to.log).size).toBe(to.log.length)
    expect(new Set(from.log).size).toBe(from.log.length)
  })

  test('the order is the same every time', async () => {
    const logs = await Promise.all(
      [1, 2].map(async () => {
        const to = new Watched()
        await copyImage(await holding(sample), to, { ref: 'name', as: 'copy' })
        return to.log
      }),
    )
    expect(logs[0]).toEqual(logs[1])
  })

  test('several layers at once', async () => {
    const tars = Array.from({ length: 9 }, (_, i) => tarFile('f', String(i)))
    const image = makeImage(amd64, tars)
    const to = new Watched()
    await copyImage(await holding([...image.layers, image.config, image.manifest]), to, { ref: 'name' })
    expect(to.most).toBeGreaterThan(1)
    expect(to.most).toBeLessThanOrEqual(4)
  })

  test('a target may ask for the rest of a layer; progress counts from there', async () => {
    const { job, events } = watch()
    const { digest, size } = sample.layer.descriptor
    class Continuing extends MemoryRepository {
      override async write(descriptor: Descriptor, body: Body, options?: object, inner?: Job): Promise<void> {
        if (descriptor.digest !== digest) return super.write(descriptor, body, options, inner)
        const rest = await collectBytes(body.from!(10), size, () => new Error())
        expect(rest).toEqual(sample.layer.bytes.subarray(10))
        await super.write(descriptor, bytesOf(sample.layer.bytes), options, inner)
      }
    }
    await copyImage(await holding(sample), new Continuing(), { ref: 'name' }, job)
    const told = events.filter((event) => event.type === 'bytes' && event.task === digest)
    expect(told).toEqual([{ type: 'bytes', task: digest, done: size, total: size }])
  })

  test('or not, where that is not worth it', async () => {
    class Plain extends MemoryRepository {
      override write(descriptor: Descriptor, body: Body, options?: object, job?: Job): Promise<void> {
        expect(body.from).toBeUndefined()
        return super.write(descriptor, body, options, job)
      }
    }
    await copyImage(await holding(sample), new Plain(), { ref: 'name', continues: false })
  })

  test('the plan is told before a layer moves', async () => {
    const from = await holding(sample)
    let root: Descriptor | undefined
    const onPlan = (plan: CopyPlan): void => {
      root = plan.root
      expect(from.log.some((line) => line.includes(sample.layer.descriptor.digest))).toBe(false)
    }
    await copyImage(from, new Watched(), { ref: 'name', onPlan })
    expect(root).toEqual(sample.index.descriptor)
  })

  test('a layer that is in the image twice is copied once', async () => {
    const tar = tarFile('f', 'twice')
    const image = makeImage(amd64, [tar, tar])
    const to = new Watched()
    await copyImage(await holding([...image.layers, image.config, image.manifest]), to, { ref: 'name' })
    expect(to.log.filter((line) => line.startsWith('write'))).toHaveLength(3)
  })

  test('content that the target has is not read', async () => {
    const from = await holding(sample)
    const to = new MemoryRepository()
    await copyImage(from, to, { ref: 'name' })
    from.log.length = 0
    const { job, events } = watch()
    await copyImage(from, to, { ref: 'name', as: 'again' }, job)
    expect(from.log.some((line) => line.includes(sample.layer.descriptor.digest))).toBe(false)
    const results = events.flatMap((event) => (event.type === 'finished' ? [event.result] : []))
    expect(new Set(results)).toEqual(new Set(['cached']))
  })

  test('every blob is a task that begins, moves and ends', async () => {
    const { job, events } = watch()
    await copyImage(await holding(sample), new MemoryRepository(), { ref: 'name', select: amd64 }, job)
    const { digest, size } = sample.layer.descriptor
    expect(events.filter((event) => 'task' in event && event.task === digest)).toEqual([
      { type: 'started', task: digest, name: 'layer' },
      { type: 'bytes', task: digest, done: size, total: size },
      { type: 'finished', task: digest, result: 'done' },
    ])
    const names = events.flatMap((event) => (event.type === 'started' ? [event.name] : []))
    expect(names).toEqual(['layer', 'layer', 'config', 'manifest'])
  })

  test('the other repository of a registry is passed on', async () => {
    const seen = new Set<unknown>()
    const to = new (class extends MemoryRepository {
      override write(descriptor: Descriptor, body: Bytes, options?: { mountFrom?: string }, job?: Job): Promise<void> {
        seen.add(options?.mountFrom)
        return super.write(descriptor, body, options, job)
      }
    })()
    await copyImage(await holding(sample), to, { ref: 'name', mountFrom: () => 'library/base' })
    expect([...seen]).toEqual(['library/base'])
  })
})

describe('what is refused', () => {
  const image = makeImage(amd64, [tarFile('a', '1'), tarFile('b', '2')])
  /** The image with another config or manifest, and a manifest that fits the change. */
  const forged = async (change: { config?: object; manifest?: (manifest: Manifest) => object }): Promise<Watched> => {
    const config = writeConfig({ ...parseConfig(image.config.bytes), ...change.config })
    const plain = { ...parseManifest(image.manifest.bytes), config: config.descriptor }
    const manifest = writeManifest({ ...plain, ...change.manifest?.(plain) } as Manifest)
    return holding([...image.layers, config, manifest])
  }

  test.each<[string, Parameters<typeof forged>[0], object]>([
    [
      'more diff ids than layers',
      { config: { rootfs: { type: 'layers', diff_ids: Array(3).fill(digestOf('x')) } } },
      { code: 'CONFIG_INVALID', message: expect.stringContaining('layers length mismatch: expected 2, got 3') },
    ],
    ['more history than layers', { config: { history: [{}, {}, {}] } }, { code: 'CONFIG_INVALID' }],
    ['a manifest that is an index too', { manifest: () => ({ manifests: [] }) }, { code: 'MANIFEST_INVALID' }],
    [
      'a layer whose size is a lie',
      { manifest: ({ layers }) => ({ layers: [{ ...layers[0], size: 10 }, layers[1]] }) },
      { code: 'CONTENT_MISMATCH', data: { side: 'source' } },
    ],
    [
      'a layer that is not there',
      { manifest: ({ layers }) => ({ layers: [layers[0], { ...layers[1], digest: digestOf('gone') }] }) },
      {
        code: 'BLOB_NOT_FOUND',
        message: expect.stringMatching(/^cannot read layer sha256:\w+ at the source: content/),
      },
    ],
  ])('%s', async (_name, change, error) => {
    const to = new MemoryRepository()
    await expect(copyImage(await forged(change), to, { ref: 'name', as: 'copy' })).rejects.toMatchObject(error)
    await expect(to.resolve('copy')).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' })
  })

  test('a wrong config is refused even when the target has it', async () => {
    const from = await forged({ manifest: ({ layers }) => ({ layers: layers.slice(1) }) })
    const to = new MemoryRepository()
    await to.write(image.config.descriptor, bytesOf(image.config.bytes))
    await expect(copyImage(from, to, { ref: 'name' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' })
  })

  test('an index nested deeper than eight levels', async () => {
    const contents = [image.config, ...image.layers, image.manifest]
    for (let i = 0; i < 9; i++) contents.push(writeIndex(createIndex([contents.at(-1)!.descriptor])))
    const copy = async (levels: number): Promise<unknown> =>
      copyImage(await holding(contents.slice(0, 4 + levels)), new MemoryRepository(), { ref: 'name' })
    await copy(8)
    await expect(copy(9)).rejects.toMatchObject({ code: 'MANIFEST_INVALID', message: /nested deeper/ })
  })

  test('a platform that the index does not have', async () => {
    const select = { os: 'linux', architecture: 's390x' }
    await expect(copyImage(await holding(sample), new MemoryRepository(), { ref: 'name', select })).rejects.toThrow(
      'no matching manifest for linux/s390x in the manifest list entries',
    )
  })

  test('a config of another platform is taken with a warning', async () => {
    const { job, events } = watch()
    const select = { os: 'linux', architecture: 's390x' }
    await copyImage(
      await holding([...image.layers, image.config, image.manifest]),
      new MemoryRepository(),
      {
        ref: 'name',
        select,
      },
      job,
    )
    const message = 'image was found but does not match the specified platform: wanted linux/s390x, actual: linux/amd64'
    expect(events).toContainEqual({ type: 'warning', code: 'PLATFORM_MISMATCH', message })
  })

  test('an unknown name', async () => {
    const copy = copyImage(await holding(sample), new MemoryRepository(), { ref: 'other' })
    const message = 'cannot find other at the source: No such image: other'
    await expect(copy).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND', message })
  })
})

describe('failure and cancellation', () => {
  const nine = makeImage(
    amd64,
    Array.from({ length: 9 }, (_, i) => tarFile('f', String(i))),
  )
  const source = (): Promise<Watched> => holding([...nine.layers, nine.config, nine.manifest])

  test('an error says which side failed', async () => {
    const [from, to] = [await source(), new Watched()]
    to.onWrite = () => {
      throw new Error('no space left on device')
    }
    await expect(copyImage(from, to, { ref: 'name' })).rejects.toMatchObject({
      code: 'COPY_FAILED',
      message: expect.stringMatching(/^cannot write layer sha256:\w+ at the target: no space left on device$/),
      data: { side: 'target' },
    })
  })

  test('an error of the source is not blamed on the target that passes it on', async () => {
    const [from, to] = [await source(), new Watched()]
    from.onRead = ({ digest }) => {
      if (digest === nine.layers[2]!.descriptor.digest) throw fail('CONTENT_MISMATCH', 'spoiled')
    }
    await expect(copyImage(from, to, { ref: 'name' })).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
      message: `cannot read layer ${nine.layers[2]!.descriptor.digest} at the source: spoiled`,
      data: { side: 'source' },
    })
  })

  test('the first error stops the other layers, and nothing is named', async () => {
    const [from, to] = [await source(), new Watched()]
    to.onWrite = () => {
      throw new Error('first')
    }
    const { job, events } = watch()
    await expect(copyImage(from, to, { ref: 'name', as: 'copy' }, job)).rejects.toThrow('first')
    expect(to.running).toBe(0)
    expect(to.log.length).toBeLessThanOrEqual(4)
    const [started, finished] = ['started', 'finished'].map((type) => events.filter((event) => event.type === type))
    expect(finished).toHaveLength(started!.length)
    expect(events.filter((event) => event.type === 'finished' && event.result === 'failed')).toHaveLength(1)
  })

  test('a canceled job stops, and nothing is named', async () => {
    const [from, to] = [await source(), new Watched()]
    const stop = new AbortController()
    from.onRead = ({ digest }) => {
      if (digest === nine.layers[5]!.descriptor.digest) stop.abort()
    }
    const { events } = watch()
    const job: Job = { progress: (event) => void events.push(event), signal: stop.signal }
    await expect(copyImage(from, to, { ref: 'name', as: 'copy' }, job)).rejects.toMatchObject({ code: 'CANCELED' })
    expect(to.log).not.toContain('tag copy')
    expect(to.running).toBe(0)
    expect(events.some((event) => event.type === 'finished' && event.result === 'canceled')).toBe(true)
    expect(events.some((event) => event.type === 'finished' && event.result === 'failed')).toBe(false)
  })

  test('a copy that failed can be done again, and takes up where it stopped', async () => {
    const [from, to] = [await source(), new Watched()]
    let writes = 0
    to.onWrite = () => {
      if (++writes === 5) throw new Error('once')
    }
    await expect(copyImage(from, to, { ref: 'name' })).rejects.toThrow('once')
    const { job, events } = watch()
    await copyImage(from, to, { ref: 'name', as: 'copy' }, job)
    expect(events.some((event) => event.type === 'finished' && event.result === 'cached')).toBe(true)
    expect(await to.resolve('copy')).toEqual(nine.manifest.descriptor)
  })

  test('an index of many entries that all lead to the same image is one image', async () => {
    let index = createIndex([])
    for (let i = 0; i < 2000; i++) index = appendManifest(index, nine.manifest.descriptor)
    const to = new Watched()
    await copyImage(await holding([...nine.layers, nine.config, nine.manifest, writeIndex(index)]), to, { ref: 'name' })
    expect(to.log.filter((line) => line.startsWith('write'))).toHaveLength(12)
  })

  test('a blob that is a layer here and a manifest there is copied as what leads on', async () => {
    const odd = writeManifest({
      ...parseManifest(nine.manifest.bytes),
      config: descriptorOf(Buffer.from('{}'), MEDIA.ociEmpty),
      layers: [{ ...nine.manifest.descriptor, mediaType: 'application/octet-stream' }],
    })
    const empty = { descriptor: descriptorOf(Buffer.from('{}'), MEDIA.ociEmpty), bytes: Buffer.from('{}') }
    const both = writeIndex(createIndex([odd.descriptor, nine.manifest.descriptor]))
    const to = new Watched()
    const contents = [...nine.layers, nine.config, nine.manifest, empty, odd, both]
    await copyImage(await holding(contents), to, { ref: 'name', as: 'copy' })
    for (const { descriptor } of contents) expect(await to.has(descriptor)).toBe(true)
  })
})
