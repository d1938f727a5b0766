import { request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import { send } from '../fixture.suite.ts'
import { makeImage, type PlayedUpstream, startCache, startUpstream } from './played.suite.ts'

/** The machine may be busy. */
const PATIENTLY = { timeout: 20_000 }

const AT = '/v2/up/team/app'

/** Sends the first part of the layer, and the rest when `go` is called. */
function hesitate(upstream: PlayedUpstream, first = 1_000_000): { go(bytes?: Buffer): void; readonly opened: number } {
  const { layer, layerDigest } = upstream.image
  const state = { opened: 0, go: (_bytes?: Buffer): void => {} }
  upstream.play = ({ method, url }, response) => {
    if (method !== 'GET' || !url!.includes(layerDigest)) return false
    state.opened++
    response.writeHead(200, { 'content-length': layer.length })
    response.write(layer.subarray(0, first))
    state.go = (bytes = layer.subarray(first)) => void response.end(bytes)
    return true
  }
  return state
}

/** Reads a blob piece by piece. */
function reading(url: string, headers: Record<string, string> = {}) {
  const chunks: Buffer[] = []
  const state = { size: () => chunks.reduce((sum, { length }) => sum + length, 0), bytes: () => Buffer.concat(chunks) }
  const outgoing = request(url, { agent: false, headers })
  const answered = new Promise<number>((resolve, reject) => {
    outgoing.on('error', reject)
    outgoing.on('response', (answer) => resolve(answer.statusCode!))
  })
  const ended = new Promise<'whole' | 'broken'>((resolve) => {
    outgoing.on('error', () => resolve('broken'))
    outgoing.on('response', (answer) => {
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('end', () => resolve('whole'))
      answer.on('error', () => resolve('broken'))
    })
  })
  answered.catch(() => {})
  outgoing.end()
  return { ...state, answered, ended, leave: () => outgoing.destroy() }
}

async function cached(upstream: PlayedUpstream, more: Parameters<typeof startCache>[1] = {}) {
  const cache = await startCache(upstream, more)
  await send(cache, 'GET', `${AT}/manifests/1`)
  return { cache, url: `${cache.url}${AT}/blobs/${upstream.image.layerDigest}` }
}

describe('a blob of an upstream', () => {
  test('reaches the client while it is still on its way, and others who come meanwhile', async () => {
    const upstream = await startUpstream()
    const pause = hesitate(upstream)
    const { url } = await cached(upstream)
    const first = reading(url)
    await expect.poll(() => first.size(), PATIENTLY).toBe(1_000_000)
    const second = reading(url)
    const part = reading(url, { range: 'bytes=500000-1999999' })
    const behind = reading(url, { range: 'bytes=-1000' })
    await expect.poll(() => second.size(), PATIENTLY).toBe(1_000_000)
    expect(await part.answered).toBe(206)
    await expect.poll(() => part.size(), PATIENTLY).toBe(500_000)
    expect(behind.size()).toBe(0)
    pause.go()
    expect(await Promise.all([first, second, part, behind].map(({ ended }) => ended))).toEqual(Array(4).fill('whole'))
    const { layer } = upstream.image
    expect(first.bytes()).toEqual(layer)
    expect(second.bytes()).toEqual(layer)
    expect(part.bytes()).toEqual(layer.subarray(500_000, 2_000_000))
    expect(behind.bytes()).toEqual(layer.subarray(-1000))
    expect(pause.opened).toBe(1)
  })

  test('is fetched to its end when the client leaves', async () => {
    const upstream = await startUpstream()
    const pause = hesitate(upstream)
    const { cache, url } = await cached(upstream)
    const first = reading(url)
    await expect.poll(() => first.size(), PATIENTLY).toBeGreaterThan(0)
    const second = reading(url)
    await expect.poll(() => second.size(), PATIENTLY).toBeGreaterThan(0)
    first.leave()
    pause.go()
    expect(await second.ended).toBe('whole')
    await upstream.stop()
    expect((await send(cache, 'GET', `${AT}/blobs/${upstream.image.layerDigest}`)).body).toEqual(upstream.image.layer)
  })

  test('with wrong bytes never becomes one, and the connection breaks before its end', async () => {
    const upstream = await startUpstream()
    const pause = hesitate(upstream)
    const { cache, url } = await cached(upstream)
    const readers = [reading(url), reading(url)]
    await expect.poll(() => readers[1]!.size(), PATIENTLY).toBe(1_000_000)
    pause.go(Buffer.alloc(upstream.image.layer.length - 1_000_000))
    for (const reader of readers) {
      expect(await reader.ended).toBe('broken')
      expect(reader.size()).toBeLessThan(upstream.image.layer.length)
    }
    await upstream.stop()
    const again = await send(cache, 'GET', `${AT}/blobs/${upstream.image.layerDigest}`)
    expect([again.status, again.code]).toEqual([503, 'UNAVAILABLE'])
  })

  test('goes on where the line broke', async () => {
    const upstream = await startUpstream()
    const ranges: (string | undefined)[] = []
    const { layer, layerDigest } = upstream.image
    upstream.play = ({ method, url, headers, socket }, response, count) => {
      if (method !== 'GET' || !url!.includes(layerDigest)) return false
      ranges.push(headers.range)
      if (count > 1) return false
      const start = Number(/\d+/.exec(headers.range ?? '0')![0])
      response.writeHead(start === 0 ? 200 : 206, {
        'content-length': layer.length - start,
        ...(start === 0 ? {} : { 'content-range': `bytes ${start}-${layer.length - 1}/${layer.length}` }),
      })
      response.write(layer.subarray(start, start + 700_000), () => setTimeout(() => socket.destroy(), 30))
      return true
    }
    const { cache } = await cached(upstream)
    expect((await send(cache, 'GET', `${AT}/blobs/${layerDigest}`)).body).toEqual(layer)
    expect(ranges[0]).toBeUndefined()
    expect(ranges.length).toBe(3)
    expect(ranges[2]).toMatch(/^bytes=[1-9]\d*-$/)
  })

  test('goes on where an earlier try gave up', async () => {
    const upstream = await startUpstream()
    const { layer, layerDigest } = upstream.image
    let isBroken = true
    const ranges: (string | undefined)[] = []
    upstream.play = ({ method, url, headers, socket }, response, count) => {
      if (method !== 'GET' || !url!.includes(layerDigest)) return false
      ranges.push(headers.range)
      if (!isBroken) return false
      if (count > 0) return void response.writeHead(503).end()
      response.writeHead(200, { 'content-length': layer.length })
      response.write(layer.subarray(0, 2_000_000), () => setTimeout(() => socket.destroy(), 100))
    }
    const { cache, url } = await cached(upstream)
    const first = reading(url)
    expect(await first.ended).toBe('broken')
    isBroken = false
    expect((await send(cache, 'GET', `${AT}/blobs/${layerDigest}`)).body).toEqual(layer)
    expect(ranges.at(-1)).toMatch(/^bytes=[1-9]\d*-$/)
  })

  test('is answered from here when the upstream is away', async () => {
    const upstream = await startUpstream()
    const { cache } = await cached(upstream)
    const at = `${AT}/blobs/${upstream.image.layerDigest}`
    await send(cache, 'GET', at)
    await upstream.stop()
    expect((await send(cache, 'GET', at)).body).toEqual(upstream.image.layer)
    expect((await send(cache, 'HEAD', at)).headers['content-length']).toBe(String(upstream.image.layer.length))
    const range = await send(cache, 'GET', at, { headers: { range: 'bytes=10-19' } })
    expect([range.status, range.body]).toEqual([206, upstream.image.layer.subarray(10, 20)])
  })

  test('without a manifest that names it has the size that the upstream says', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    const { configDigest, config } = upstream.image
    const head = await send(cache, 'HEAD', `${AT}/blobs/${configDigest}`)
    expect([head.status, head.headers['content-length']]).toEqual([200, String(config.length)])
    expect((await send(cache, 'GET', `${AT}/blobs/${configDigest}`)).body).toEqual(config)
  })

  test('that is not there is unknown, and not asked for again at once', async () => {
    const upstream = await startUpstream()
    const cache = await startCache(upstream)
    const at = `${AT}/blobs/${digestOf('nothing')}`
    for (const method of ['GET', 'GET', 'HEAD']) expect((await send(cache, method, at)).status).toBe(404)
    expect(upstream.requests).toHaveLength(1)
  })

  test('of another repository of the same upstream is only given where the upstream gives it', async () => {
    const upstream = await startUpstream(makeImage(1000))
    const { cache } = await cached(upstream)
    const { layerDigest, layer } = upstream.image
    await send(cache, 'GET', `${AT}/blobs/${layerDigest}`)
    let isThere = false
    upstream.play = ({ url }, response) => {
      if (!url!.startsWith('/v2/other/')) return false
      if (!isThere) return void response.writeHead(404).end()
      response.writeHead(200, { 'content-length': layer.length }).end()
    }
    expect((await send(cache, 'GET', `/v2/up/other/blobs/${layerDigest}`)).status).toBe(404)
    isThere = true
    const patient = `/v2/up/other/thing/blobs/${layerDigest}`
    expect((await send(cache, 'GET', patient)).body).toEqual(layer)
    expect(upstream.requests.at(-1)).toBe(`HEAD /v2/other/thing/blobs/${layerDigest}`)
  })
})
