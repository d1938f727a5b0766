import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Bytes, bytesOf, collectBytes, type Digest } from '../core/index.ts'
import type { Body } from '../oci/index.ts'
import { hasDockerRegistry, type RunningRegistry, startDockerRegistry } from './docker-registry.suite.ts'
import type { UnfinishedUpload, UploadJournal } from './index.ts'
import { bodyOf, hasty, makeBlob, openAt, reply, type Script, startScripted } from './scripted-server.suite.ts'

const SIZE = 8 << 20
const { bytes, descriptor } = makeBlob(SIZE)
const small = makeBlob(100)
const medium = makeBlob(200_000)

/** A body that can begin anywhere; `starts` gets where it began. */
function bodyFrom(starts: number[], content: Buffer = bytes, step = 1 << 16): Body {
  const from = async function* (offset: number): Bytes {
    starts.push(offset)
    for (let at = offset; at < content.length; at += step) yield content.subarray(at, at + step)
  }
  return { from, [Symbol.asyncIterator]: () => from(0)[Symbol.asyncIterator]() }
}

/** A journal in memory. */
function makeJournal(): UploadJournal & { readonly uploads: Map<Digest, UnfinishedUpload> } {
  const uploads = new Map<Digest, UnfinishedUpload>()
  return {
    uploads,
    find: (_repository, digest) => uploads.get(digest),
    save: (upload) => void uploads.set(upload.digest, upload),
    forget: (_repository, digest) => void uploads.delete(digest),
  }
}

/** Passes bytes on to a server, and cuts each of the first connections after so many bytes from the client. */
async function startCutting(domain: string, cuts: number[]): Promise<AsyncDisposable & { domain: string }> {
  const sockets = new Set<Socket>()
  const server = createServer((client) => {
    const [host, port] = domain.split(':')
    const upstream = connect(Number(port), host)
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [client, upstream].map((one) => one.destroy()))
    }
    let sent = 0
    client.on('data', (chunk) => {
      sent += chunk.length
      upstream.write(chunk)
      // small requests come through whole
      if (cuts.length === 0 || sent < cuts[0]!) return
      cuts.shift()
      // what was passed on arrives before the line is cut
      setTimeout(() => client.resetAndDestroy(), 50)
      client.pause()
    })
    upstream.pipe(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    domain: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

describe.skipIf(!hasDockerRegistry)('uploads to docker-registry (needs it)', () => {
  let registry: RunningRegistry
  beforeAll(async () => {
    registry = await startDockerRegistry()
  })
  afterAll(() => registry[Symbol.asyncDispose]())

  const stored = (): Promise<Buffer> =>
    collectBytes(openAt(registry.domain).read(descriptor), SIZE, () => new Error('endless'))
  const lines = (): string[] =>
    [...registry.log().matchAll(/"((?:GET|HEAD|PUT|POST|PATCH|DELETE) \/v2\/[^ ]*) HTTP/g)].map(([, line]) =>
      line!.replace(/\?.*/, ''),
    )

  test('begin anew when the line broke, for it loses its place then', async () => {
    await using line = await startCutting(registry.domain, [SIZE / 4, SIZE / 4])
    const starts: number[] = []
    await openAt(line.domain).write(descriptor, bodyFrom(starts))
    expect((await stored()).equals(bytes)).toBe(true)
    expect(starts).toEqual([0, 0, 0])
  })

  test('begin anew when the registry has forgotten them', async () => {
    const other = makeBlob(SIZE + 8)
    const journal = makeJournal()
    const location = `http://${registry.domain}/v2/app/blobs/uploads/0d2b4b53-5d2c-4a8b-9d3b-111111111111?_state=x`
    journal.save({
      repository: `${registry.domain}/app`,
      digest: other.descriptor.digest,
      location,
      offset: 9,
      size: SIZE + 8,
    })
    const starts: number[] = []
    await openAt(registry.domain, { journal }).write(other.descriptor, bodyFrom(starts, other.bytes))
    expect(starts).toEqual([0])
    expect(await openAt(registry.domain).has(other.descriptor)).toBe(true)
  })

  test('are made with few requests', async () => {
    await openAt(registry.domain).write(small.descriptor, bytesOf(small.bytes))
    const before = lines().length
    const blob = makeBlob(104)
    const target = openAt(registry.domain)
    expect(await target.has(blob.descriptor)).toBe(false)
    await target.write(blob.descriptor, bytesOf(blob.bytes))
    await expect
      .poll(() =>
        lines()
          .slice(before)
          .map((line) => line.replace(/uploads\/.+/, 'uploads/ID')),
      )
      .toEqual([
        `HEAD /v2/app/blobs/${blob.descriptor.digest}`,
        'POST /v2/app/blobs/uploads/',
        'PUT /v2/app/blobs/uploads/ID',
      ])
  })

  test('of what is there read nothing', async () => {
    const target = openAt(registry.domain)
    await target.write(medium.descriptor, bytesOf(medium.bytes))
    const starts: number[] = []
    await target.write(medium.descriptor, bodyFrom(starts, medium.bytes))
    expect(starts).toEqual([])
  })
})

/** A registry of one repository, in memory; `spoil` may answer first. */
function memoryRegistry(state: { content: Buffer; stored?: Buffer }, spoil: Script = () => {}): Script {
  let asked = 0
  return async (request, response, count) => {
    await spoil(request, response, count)
    if (response.headersSent || response.destroyed) return
    const url = new URL(request.url!, 'http://x')
    const range = { location: '/upload', range: `0-${Math.max(0, state.content.length - 1)}` }
    if (request.method === 'HEAD') reply(response, state.stored ? 200 : 404, {})
    else if (request.method === 'POST') {
      const body = await bodyOf(request)
      if (url.searchParams.has('digest')) state.stored = body
      state.content = Buffer.alloc(0)
      reply(response, state.stored ? 201 : 202, { location: '/upload' })
    } else if (request.method === 'PATCH') {
      // whoever asks how much is there ends what came before
      const before = asked
      for await (const chunk of request) {
        if (asked !== before) return void response.destroy()
        state.content = Buffer.concat([state.content, chunk as Buffer])
      }
      reply(response, 202, { ...range, range: `0-${state.content.length - 1}` })
    } else if (request.method === 'GET') {
      asked++
      reply(response, 204, range)
    } else if (request.method === 'PUT') {
      const rest = await bodyOf(request)
      state.stored = Buffer.concat([state.content, rest])
      reply(response, 201, {})
    } else reply(response, 204, {})
  }
}

describe('uploads', () => {
  test('go on where the line broke', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    await using server = await startScripted(memoryRegistry(state))
    await using line = await startCutting(server.domain, [SIZE / 4, SIZE / 4])
    const starts: number[] = []
    await openAt(line.domain).write(descriptor, bodyFrom(starts))
    expect(state.stored?.equals(bytes)).toBe(true)
    expect(starts).toHaveLength(3)
    expect(starts[0]).toBe(0)
    expect(starts[1]).toBeGreaterThan(0)
    expect(starts[2]).toBeGreaterThan(starts[1]!)
  })

  test('go on in the next process', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    await using server = await startScripted(memoryRegistry(state))
    const journal = makeJournal()
    const stop = new AbortController()
    const slow = async function* (offset: number): Bytes {
      for (let at = offset; at < SIZE; at += 1 << 16) {
        if (at > SIZE / 2) stop.abort()
        yield bytes.subarray(at, at + (1 << 16))
        await new Promise((resolve) => setTimeout(resolve, 1))
      }
    }
    const body: Body = { from: slow, [Symbol.asyncIterator]: () => slow(0)[Symbol.asyncIterator]() }
    const job = { progress: () => {}, signal: stop.signal }
    const write = openAt(server.domain, { journal }).write(descriptor, body, {}, job)
    await expect(write).rejects.toMatchObject({ code: 'CANCELED' })
    expect(journal.uploads.get(descriptor.digest)).toMatchObject({ repository: `${server.domain}/app`, size: SIZE })
    const starts: number[] = []
    await openAt(server.domain, { journal }).write(descriptor, bodyFrom(starts))
    expect(state.stored?.equals(bytes)).toBe(true)
    expect(starts).toEqual([expect.any(Number)])
    expect(starts[0]).toBeGreaterThan(0)
    expect(journal.uploads.size).toBe(0)
  })

  test.each([
    ['breaks', undefined],
    ['is refused', 404],
  ])('of something small begin anew when sending it %s, since the registry may have a part', async (_, status) => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    const opened: string[] = []
    let puts = 0
    const forgetful: Script = async (request, response) => {
      if (request.method === 'POST') {
        opened.push(request.url!)
        state.content = Buffer.alloc(0)
      }
      if (request.method !== 'PUT' || ++puts > 2) return
      state.content = (await bodyOf(request)).subarray(0, 10)
      if (status === undefined) response.destroy()
      else reply(response, status, { 'content-type': 'application/json' })
    }
    await using server = await startScripted(memoryRegistry(state, forgetful))
    await openAt(server.domain).write(medium.descriptor, bytesOf(medium.bytes))
    expect(state.stored?.equals(medium.bytes)).toBe(true)
    expect(opened).toHaveLength(3)
  })

  test('of something small take one request where the registry can', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    await using server = await startScripted(memoryRegistry(state))
    await openAt(server.domain).write(small.descriptor, bytesOf(small.bytes))
    expect(state.stored).toEqual(small.bytes)
    expect(server.requests.map((line) => line.split('?')[0])).toEqual([
      `HEAD /v2/app/blobs/${small.descriptor.digest}`,
      'POST /v2/app/blobs/uploads/',
    ])
  })

  test.each([400, 404, 405])('do without mounts and single requests where these fail with %i', async (status) => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    const plain: Script = (request, response) => {
      if (request.method === 'POST' && request.url!.includes('?')) reply(response, status, {})
    }
    await using server = await startScripted(memoryRegistry(state, plain))
    await openAt(server.domain).write(small.descriptor, bytesOf(small.bytes))
    expect(state.stored).toEqual(small.bytes)
  })

  test('begin anew when an earlier process left other bytes', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.from('other bytes') }
    const strict: Script = async (request, response) => {
      if (request.method !== 'PUT' || state.content.equals(bytes)) return
      reply(response, 400, {}, '{"errors":[{"code":"DIGEST_INVALID","message":"provided digest did not match"}]}')
    }
    await using server = await startScripted(memoryRegistry(state, strict))
    const journal = makeJournal()
    const location = `http://${server.domain}/upload`
    const repository = `${server.domain}/app`
    journal.save({ repository, digest: descriptor.digest, location, offset: 11, size: SIZE })
    const starts: number[] = []
    await openAt(server.domain, { journal }).write(descriptor, bodyFrom(starts))
    expect(state.stored?.equals(bytes)).toBe(true)
    expect(starts).toEqual([11, 0])
    expect(journal.uploads.size).toBe(0)
  })

  test('are asked where to go on when the registry has another offset in mind', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    let patches = 0
    const picky: Script = async (request, response) => {
      if (request.method !== 'PATCH' || ++patches > 1) return
      state.content = bytes.subarray(0, 1000)
      request.resume()
      reply(response, 416, {})
    }
    await using server = await startScripted(memoryRegistry(state, picky))
    const starts: number[] = []
    await openAt(server.domain).write(descriptor, bodyFrom(starts))
    expect(state.stored?.equals(bytes)).toBe(true)
    expect(starts).toEqual([0, 1000])
    expect(server.headers.find((headers) => headers['content-range'])).toMatchObject({
      'content-range': `1000-${SIZE - 1}`,
    })
  })

  test('go on when the registry took only a part', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    let patches = 0
    const half: Script = async (request, response) => {
      if (request.method !== 'PATCH' || ++patches > 1) return
      state.content = (await bodyOf(request)).subarray(0, SIZE / 2)
      reply(response, 202, { location: '/upload', range: `0-${SIZE / 2 - 1}` })
    }
    await using server = await startScripted(memoryRegistry(state, half))
    const starts: number[] = []
    await openAt(server.domain).write(descriptor, bodyFrom(starts))
    expect(state.stored?.equals(bytes)).toBe(true)
    expect(starts).toEqual([0, SIZE / 2])
  })

  test('begin anew when they are forgotten on the way', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    let patches = 0
    const forgetful: Script = async (request, response) => {
      if (request.method === 'PATCH' && ++patches === 1) {
        await bodyOf(request)
        reply(response, 404, {}, '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
      } else if (request.method === 'GET') reply(response, 404, {})
    }
    await using server = await startScripted(memoryRegistry(state, forgetful))
    const starts: number[] = []
    await openAt(server.domain).write(descriptor, bodyFrom(starts))
    expect(state.stored?.equals(bytes)).toBe(true)
    expect(starts).toEqual([0, 0])
  })

  test('that were complete when the answer was lost are complete', async () => {
    const state: { content: Buffer; stored?: Buffer } = { content: Buffer.alloc(0) }
    let puts = 0
    const lost: Script = async (request, response) => {
      if (request.method !== 'PUT') return
      if (++puts > 1) return reply(response, 404, {}, '{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}')
      state.stored = state.content
      response.destroy()
    }
    await using server = await startScripted(memoryRegistry(state, lost))
    await openAt(server.domain).write(descriptor, bodyFrom([]))
    expect(puts).toBe(2)
  })

  test('end after five tries, and those that cannot be resumed at once', async () => {
    let patches = 0
    const broken: Script = (request, response) => {
      if (request.method !== 'PATCH') return
      patches++
      response.destroy()
    }
    await using server = await startScripted(memoryRegistry({ content: Buffer.alloc(0) }, broken))
    await expect(openAt(server.domain).write(descriptor, bodyFrom([]))).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    })
    expect(patches).toBe(5)
    await expect(openAt(server.domain).write(descriptor, bytesOf(bytes))).rejects.toMatchObject({
      code: 'REGISTRY_UNAVAILABLE',
    })
    expect(patches).toBeLessThanOrEqual(7)
  })

  test('end when the registry takes nothing more', async () => {
    const stalled: Script = async (request, response) => {
      if (request.method !== 'PATCH') return
      request.pause()
      await new Promise((resolve) => response.once('close', resolve))
    }
    await using server = await startScripted(memoryRegistry({ content: Buffer.alloc(0) }, stalled))
    const patience = { ...hasty(), silence: 100, tries: 2 }
    const big = makeBlob(32 << 20)
    const write = openAt(server.domain, { patience }).write(big.descriptor, bodyFrom([], big.bytes))
    await expect(write).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
  })

  test('of wrong content are taken back', async () => {
    await using server = await startScripted(memoryRegistry({ content: Buffer.alloc(0) }))
    const spoilt = Buffer.from(bytes).fill(0, 99, 110)
    await expect(openAt(server.domain).write(descriptor, bodyFrom([], spoilt))).rejects.toMatchObject({
      code: 'CONTENT_MISMATCH',
    })
    expect(server.requests.at(-1)).toBe('DELETE /upload')
    expect(server.requests.some((line) => line.startsWith('PUT'))).toBe(false)
  })

  test('fail when there is no place to upload to', async () => {
    const nowhere: Script = (request, response) =>
      request.method === 'POST' ? reply(response, 202, {}) : reply(response, 404, {})
    await using server = await startScripted(nowhere)
    await expect(openAt(server.domain).write(descriptor, bodyFrom([]))).rejects.toMatchObject({
      code: 'REGISTRY_INVALID_ANSWER',
    })
  })
})
