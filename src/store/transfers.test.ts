import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, truncateSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { type Bytes, bytesOf, collectBytes, fail, type ProgressEvent } from '../core/index.ts'
import { type Body, type Descriptor, descriptorOf, MEDIA } from '../oci/index.ts'
import { type TestStore, tarOf, temporaryStore } from './fixture.suite.ts'
import { openRepository } from './index.ts'

const PLAIN = tarOf({ a: randomBytes(300_000).toString('hex'), b: 'b' })
const BLOB = gzipSync(PLAIN)
const LAYER = descriptorOf(BLOB, MEDIA.ociLayerGzip)

/** A source that hands out bytes from any offset, up to `breaks` of them in all. */
class Line {
  readonly asked: number[] = []
  sent = 0
  readonly bytes: Buffer
  breaks: number

  constructor(bytes: Buffer, breaks: number = Number.POSITIVE_INFINITY) {
    this.bytes = bytes
    this.breaks = breaks
  }

  body(): Body {
    return { from: (offset) => this.from(offset), [Symbol.asyncIterator]: () => this.from(0)[Symbol.asyncIterator]() }
  }

  async *from(offset: number): Bytes {
    this.asked.push(offset)
    for (let at = offset; at < this.bytes.length; at += 1000) {
      if (this.sent >= this.breaks) throw fail('REGISTRY_UNAVAILABLE', 'the line is down')
      const chunk = this.bytes.subarray(at, at + 1000)
      this.sent += chunk.length
      yield chunk
      await undefined
    }
  }
}

const receive = (store: TestStore, line: Line, descriptor: Descriptor = LAYER): Promise<void> =>
  openRepository(store, store.testLease).write(descriptor, line.body())
const partials = (store: TestStore): string[] =>
  existsSync(store.layout.transfers) ? readdirSync(store.layout.transfers) : []
const half = BLOB.length >> 1

describe('a layer that comes in', () => {
  test('goes on where it broke off, and is a layer and the same bytes in the end', async () => {
    const store = temporaryStore()
    const line = new Line(BLOB, half)
    await expect(receive(store, line)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    const [partial] = store.transfers.list()
    expect(partial).toMatchObject({ digest: LAYER.digest, size: LAYER.size, isActive: false })
    expect(partial!.bytes).toBeGreaterThanOrEqual(half)
    line.breaks = Number.POSITIVE_INFINITY
    await receive(store, line)
    expect(line.asked).toEqual([0, partial!.bytes])
    expect(line.sent).toBe(BLOB.length)
    expect(partials(store)).toEqual([])
    expect(store.blobs.readWhole(LAYER.digest)).toEqual(BLOB)
    expect(store.blobs.readWhole(store.layers.diffIdOf(LAYER.digest)!)).toEqual(PLAIN)
  })

  test('is not asked for again when only the end was not written down', async () => {
    const store = temporaryStore()
    const line = new Line(BLOB, half)
    await expect(receive(store, line)).rejects.toThrow()
    writeFileSync(path.join(store.layout.transfers, partials(store)[0]!), BLOB)
    await receive(store, line)
    expect(line.asked).toEqual([0])
    expect(await openRepository(store, store.testLease).has(LAYER)).toBe(true)
  })

  test.each<[string, (file: string) => void]>([
    ['damaged', (file) => writeFileSync(file, readFileSync(file).fill(0, 1000))],
    ['of other content', (file) => writeFileSync(file, randomBytes(half))],
    ['too long', (file) => truncateSync(file, BLOB.length + 1)],
  ])('begins anew when what is here is %s', async (_what, spoil) => {
    const store = temporaryStore()
    await expect(receive(store, new Line(BLOB, half))).rejects.toThrow()
    spoil(path.join(store.layout.transfers, partials(store)[0]!))
    const line = new Line(BLOB)
    await receive(store, line)
    expect(line.asked.at(-1)).toBe(0)
    expect(store.blobs.readWhole(LAYER.digest)).toEqual(BLOB)
    expect(partials(store)).toEqual([])
  })

  test.each<[string, Buffer]>([
    ['another digest', gzipSync(tarOf({ a: 'other' }))],
    ['too few bytes', BLOB.subarray(0, half)],
    ['no bytes', Buffer.alloc(0)],
    ['too many bytes', Buffer.concat([BLOB, Buffer.alloc(5000)])],
  ])('with %s is not kept', async (_what, bytes) => {
    const store = temporaryStore()
    const line = new Line(bytes)
    await expect(receive(store, line)).rejects.toMatchObject({ fault: 'invalid' })
    expect(line.asked).toEqual([0])
    expect(partials(store)).toEqual([])
    expect(await openRepository(store, store.testLease).has(LAYER)).toBe(false)
  })

  test('is a plain one, too', async () => {
    const store = temporaryStore()
    const plain = descriptorOf(PLAIN, MEDIA.ociLayer)
    await expect(receive(store, new Line(PLAIN, 5000), plain)).rejects.toThrow()
    await receive(store, new Line(PLAIN), plain)
    expect(store.layers.get(plain.digest)).toBeDefined()
    expect(partials(store)).toEqual([])
  })

  test('is no layer at all', async () => {
    const store = temporaryStore()
    const bytes = randomBytes(50_000)
    const other = descriptorOf(bytes, 'application/vnd.example')
    await expect(receive(store, new Line(bytes, 20_000), other)).rejects.toThrow()
    const line = new Line(bytes)
    await receive(store, line, other)
    expect(line.asked).toEqual([20_000])
    expect(store.blobs.readWhole(other.digest)).toEqual(bytes)
  })

  test('is kept as far as it came when the job is stopped', async () => {
    const store = temporaryStore()
    const stop = new AbortController()
    const body: Body = new Line(BLOB).body()
    const stopping: Body = {
      ...body,
      async *from(offset) {
        let count = 0
        for await (const chunk of body.from!(offset)) {
          if (++count === 20) stop.abort()
          yield chunk
        }
      },
      [Symbol.asyncIterator]: () => bytesOf()[Symbol.asyncIterator](),
    }
    const job = { progress: () => {}, signal: stop.signal }
    const write = openRepository(store, store.testLease).write(LAYER, stopping, {}, job)
    await expect(write).rejects.toMatchObject({ code: 'CANCELED' })
    expect(store.transfers.list()[0]!.bytes).toBeGreaterThan(0)
  })
})

describe('several that want the same', () => {
  test('one brings it, the others wait and say so', async () => {
    const store = temporaryStore()
    const line = new Line(BLOB)
    const events: ProgressEvent[] = []
    const job = { progress: (event: ProgressEvent) => void events.push(event) }
    const target = openRepository(store, store.testLease)
    await Promise.all([1, 2, 3].map(() => target.write(LAYER, line.body(), {}, job)))
    expect(line.asked).toEqual([0])
    const waits = events.filter((event) => event.type === 'status')
    expect(waits).toHaveLength(2)
    expect(waits[0]).toMatchObject({ task: LAYER.digest, text: 'Waiting for another download' })
  })

  test('the next one goes on when the first one fails', async () => {
    const store = temporaryStore()
    const [bad, good] = [new Line(BLOB, half), new Line(BLOB)]
    const results = await Promise.allSettled([receive(store, bad), receive(store, good)])
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled'])
    expect(good.asked[0]).toBeGreaterThanOrEqual(half)
  })

  test('waiting can be stopped', async () => {
    const store = temporaryStore()
    const held = await store.transfers.claim(LAYER.digest, () => {})
    const stop = new AbortController()
    const job = { progress: () => stop.abort(), signal: stop.signal }
    const write = openRepository(store, store.testLease).write(LAYER, new Line(BLOB).body(), {}, job)
    await expect(write).rejects.toMatchObject({ code: 'CANCELED' })
    held.release()
  })
})

const DOWNLOADER = `
import { openStore, openRepository } from ${JSON.stringify(path.join(import.meta.dirname, 'index.ts'))}
import { readFileSync } from 'node:fs'
const [root, file, descriptor] = process.argv.slice(1)
const blob = readFileSync(file)
const store = openStore(root)
async function* from(offset) {
  for (let at = offset; at < blob.length; at += 1000) {
    if (at > blob.length / 2) {
      process.stdout.write('half')
      await new Promise((resolve) => setTimeout(resolve, 60_000))
    }
    yield blob.subarray(at, at + 1000)
  }
}
const body = { from, [Symbol.asyncIterator]: () => from(0) }
await openRepository(store, store.lease()).write(JSON.parse(descriptor), body)
`

test('a process that is killed leaves what it had, and its lock goes with it', async () => {
  const store = temporaryStore()
  const file = path.join(store.root, '..', 'blob')
  writeFileSync(file, BLOB)
  const args = ['--input-type=module', '-e', DOWNLOADER, store.root, file, JSON.stringify(LAYER)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  expect(store.transfers.list()[0]).toMatchObject({ isActive: true })
  expect(store.transfers.remove(LAYER.digest)).toBeUndefined()
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
  // what a dead process was at is collected, but not this
  store.collect()
  const line = new Line(BLOB)
  await receive(store, line)
  expect(line.sent).toBeLessThanOrEqual(half + 1000)
  expect(line.sent).toBeGreaterThan(0)
  expect(store.blobs.readWhole(LAYER.digest)).toEqual(BLOB)
})

test('what nobody goes on with is forgotten after a week, or when asked to', async () => {
  const store = temporaryStore()
  const file = (): string => path.join(store.layout.transfers, partials(store)[0]!)
  await expect(receive(store, new Line(BLOB, half))).rejects.toThrow()
  const age = (days: number): void => {
    const then = new Date(Date.now() - days * 86_400_000)
    utimesSync(file(), then, then)
  }
  age(6.9)
  store.collect()
  expect(partials(store)).toHaveLength(1)
  age(7.1)
  const { size } = statSync(file())
  expect(store.collect().bytes).toBeGreaterThanOrEqual(size)
  expect(partials(store)).toEqual([])
  await expect(receive(store, new Line(BLOB, half))).rejects.toThrow()
  expect(store.transfers.remove(LAYER.digest)).toBeGreaterThan(0)
  expect(store.transfers.list()).toEqual([])
})

test('what is in the folder and no transfer is left alone', async () => {
  const store = temporaryStore()
  await expect(receive(store, new Line(BLOB, half))).rejects.toThrow()
  for (const name of ['x', 'sha256-12.5', 'sha256-.']) writeFileSync(path.join(store.layout.transfers, name), '')
  expect(store.transfers.list()).toHaveLength(1)
})

test('bytes of a blob that is read meanwhile stay what they are', async () => {
  const store = temporaryStore()
  await receive(store, new Line(BLOB))
  const read = collectBytes(store.blobs.read(LAYER.digest), 1 << 24, () => new Error('long'))
  await receive(store, new Line(BLOB))
  expect(await read).toEqual(BLOB)
})
