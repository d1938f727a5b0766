import type { IncomingMessage, ServerResponse } from 'node:http'
import { describe, expect, test } from 'vitest'
import { type ByteRange, collectBytes, type ProgressEvent } from '../core/index.ts'
import { settingsFor } from './docker-registry.suite.ts'
import type { RegistryOptions } from './index.ts'
import { hasty, makeBlob, openAt, reply, type Script, startScripted } from './scripted-server.suite.ts'

const SIZE = 3 << 20
const { bytes, descriptor } = makeBlob(SIZE)

async function pull(
  script: Script,
  options: Partial<RegistryOptions> & { range?: ByteRange } = {},
): Promise<{
  content: Buffer
  requests: readonly string[]
  ranges: (string | undefined)[]
}> {
  await using server = await startScripted(script)
  const source = openAt(server.domain, options)
  const content = await collectBytes(source.read(descriptor, options.range), SIZE * 2, () => new Error('endless'))
  return { content, requests: server.requests, ranges: server.headers.map(({ range }) => range) }
}

/** The part that is asked for, or all; `cut` bytes are left out and the line is cut then. */
function serve(request: IncomingMessage, response: ServerResponse, cut = 0): void {
  const [, first] = /^bytes=(\d+)-$/.exec(request.headers.range ?? '') ?? []
  const start = Number(first ?? 0)
  const range = { 'content-range': `bytes ${start}-${SIZE - 1}/${SIZE}` }
  response.writeHead(first ? 206 : 200, { 'content-length': String(SIZE - start), ...(first ? range : {}) })
  if (cut === 0) response.end(bytes.subarray(start))
  else response.write(bytes.subarray(start, Math.max(start, SIZE - cut)), () => response.destroy())
}

describe('a download that breaks', () => {
  test('goes on behind the last byte', async () => {
    const { content, ranges } = await pull((request, response, count) =>
      serve(request, response, count === 0 ? SIZE / 2 : 0),
    )
    expect(content.equals(bytes)).toBe(true)
    expect(ranges[0]).toBeUndefined()
    expect(ranges[1]).toMatch(/^bytes=\d+-$/)
    expect(ranges).toHaveLength(2)
  })

  test('ends after five tries without a byte', async () => {
    const cutAtHalf: Script = (request, response) => serve(request, response, SIZE / 2)
    await expect(pull(cutAtHalf)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
  })

  test('has as many tries again after each byte', async () => {
    let left = SIZE
    const { content, requests } = await pull((request, response) => {
      left = Math.max(0, left - SIZE / 8)
      serve(request, response, left)
    })
    expect(content.equals(bytes)).toBe(true)
    expect(requests.length).toBeGreaterThan(5)
  })

  test('does not go on for ever, whatever dribbles in', async () => {
    let sent = 0
    const dribble: Script = (request, response) => serve(request, response, SIZE - ++sent)
    await expect(pull(dribble)).rejects.toMatchObject({ code: 'REGISTRY_UNAVAILABLE' })
    expect(sent).toBe(30)
  })

  test('begins again where the server knows no ranges, and passes nothing on twice', async () => {
    const { content } = await pull((request, response, count) => {
      delete request.headers.range
      serve(request, response, count === 0 ? SIZE / 2 : 0)
    })
    expect(content.equals(bytes)).toBe(true)
  })

  test.each(['bytes 0-9/10', `bytes 5-${SIZE - 1}/${SIZE}`, 'nonsense'])(
    'begins again when the server answers with another range (%s)',
    async (wrong) => {
      const { content, ranges } = await pull((request, response, count) => {
        if (request.headers.range) reply(response, 206, { 'content-range': wrong }, bytes)
        else serve(request, response, count === 0 ? SIZE / 2 : 0)
      })
      expect(content.equals(bytes)).toBe(true)
      expect(ranges.at(-1)).toBeUndefined()
    },
  )

  test('begins again when the server refuses the range', async () => {
    const { content } = await pull((request, response, count) => {
      if (request.headers.range) reply(response, 416, {})
      else serve(request, response, count === 0 ? SIZE / 2 : 0)
    })
    expect(content.equals(bytes)).toBe(true)
  })

  test('goes on with the next server when a mirror gives up', async () => {
    await using mirror = await startScripted((request, response) => serve(request, response, SIZE / 2))
    await using server = await startScripted((request, response) => serve(request, response))
    const settings = settingsFor({ mirrors: [{ url: `http://${mirror.domain}/v2` }] })
    const content = await collectBytes(
      openAt(server.domain, { settings }).read(descriptor),
      SIZE,
      () => new Error('endless'),
    )
    expect(content.equals(bytes)).toBe(true)
    expect(server.requests).toHaveLength(1)
    expect(server.headers[0]!.range).toMatch(/^bytes=[1-9]\d+-$/)
  })

  test('overcomes a server that says nothing', async () => {
    const { content } = await pull(
      (request, response, count) => {
        if (count > 0) serve(request, response)
        else response.writeHead(200).write(bytes.subarray(0, 1 << 20))
      },
      { patience: { ...hasty(), silence: 100 } },
    )
    expect(content.equals(bytes)).toBe(true)
  })
})

describe('a download', () => {
  test('of a range asks for that range', async () => {
    const { content, ranges } = await pull(
      (_, response) => reply(response, 206, { 'content-range': `bytes 10-19/${SIZE}` }, bytes.subarray(10, 20)),
      { range: { start: 10, end: 20 } },
    )
    expect(content.equals(bytes.subarray(10, 20))).toBe(true)
    expect(ranges).toEqual(['bytes=10-19'])
  })

  test('of a range takes it out of the whole where it must', async () => {
    const { content } = await pull((_, response) => reply(response, 200, {}, bytes), { range: { start: 10, end: 20 } })
    expect(content.equals(bytes.subarray(10, 20))).toBe(true)
  })

  test.each<[string, Script]>([
    [
      'too long',
      (_, response) => reply(response, 200, { 'transfer-encoding': 'chunked' }, Buffer.concat([bytes, bytes])),
    ],
    [
      'said to be of another size',
      (_, response) => reply(response, 200, { 'content-length': String(SIZE - 1) }, bytes.subarray(1)),
    ],
    ['other bytes', (_, response) => reply(response, 200, {}, Buffer.from(bytes).fill(0, 7, 12))],
  ])('refuses a blob that is %s', async (_name, script) => {
    await expect(pull(script)).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
  })

  test('stops an endless blob at its size', async () => {
    let sent = 0
    const endless: Script = async (_, response) => {
      response.writeHead(200)
      while (!response.destroyed && sent < 100 * SIZE) {
        sent += 1 << 20
        if (!response.write(Buffer.alloc(1 << 20)))
          await new Promise((resolve) => response.once('drain', resolve).once('close', resolve))
      }
    }
    await expect(pull(endless)).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
    expect(sent).toBeLessThan(20 * SIZE)
  })

  test.each<[string, Record<string, string>]>([
    ['a web page', { 'content-type': 'text/html; charset=utf-8' }],
    ['encoded', { 'content-encoding': 'gzip' }],
  ])('refuses what is %s', async (_name, headers) => {
    const script: Script = (_, response) => reply(response, 200, headers, bytes)
    await expect(pull(script)).rejects.toMatchObject({ code: 'REGISTRY_INVALID_ANSWER' })
  })

  test('asks again while the server is busy, and as late as it says', async () => {
    const slept: number[] = []
    const { requests } = await pull(
      (request, response, count) => {
        if (count === 0) reply(response, 503, {})
        else if (count === 1) reply(response, 429, { 'retry-after': '7' })
        else serve(request, response)
      },
      { patience: hasty(slept) },
    )
    expect(requests).toHaveLength(3)
    expect(slept[1]).toBeGreaterThanOrEqual(7000)
  })

  test('does not wait for more than a minute', async () => {
    const script: Script = (_, response) => reply(response, 429, { 'retry-after': '99999' })
    await expect(pull(script)).rejects.toMatchObject({
      code: 'REGISTRY_RATE_LIMITED',
      message: expect.stringContaining('come back in 28 h'),
    })
  })

  test('says that the quota of Docker Hub is used up, and does not ask again', async () => {
    let asked = 0
    const script: Script = (_, response) => {
      asked++
      const headers = { 'ratelimit-limit': '100;w=21600', 'ratelimit-remaining': '0;w=21600' }
      const errors = [{ code: 'TOOMANYREQUESTS', message: 'You have reached your pull rate limit.' }]
      reply(response, 429, headers, JSON.stringify({ errors }))
    }
    await expect(pull(script)).rejects.toMatchObject({
      code: 'REGISTRY_RATE_LIMITED',
      message: 'toomanyrequests: You have reached your pull rate limit.; the quota (100) is for 6 h',
    })
    expect(asked).toBe(1)
  })

  test('leaves a mirror at once that is asked too often', async () => {
    await using mirror = await startScripted((_, response) => reply(response, 429, { 'retry-after': '5' }))
    await using server = await startScripted((request, response) => serve(request, response))
    const slept: number[] = []
    const settings = settingsFor({ mirrors: [{ url: `http://${mirror.domain}/v2` }] })
    const source = openAt(server.domain, { settings, patience: hasty(slept) })
    await collectBytes(source.read(descriptor), SIZE, () => new Error('endless'))
    expect([mirror.requests.length, slept]).toEqual([1, []])
  })

  test('shows what the registry warns of once', async () => {
    await using server = await startScripted((_, response) => {
      reply(response, 200, { warning: '299 - "goes \\"soon\\"", 299 - "other"' }, bytes)
    })
    const events: ProgressEvent[] = []
    const job = { progress: (event: ProgressEvent) => void events.push(event) }
    for (const _ of [1, 2]) for await (const __ of openAt(server.domain).read(descriptor, undefined, job));
    expect(events.map((event) => ('message' in event ? event.message : ''))).toEqual([
      `${server.domain}: goes "soon"`,
      `${server.domain}: other`,
    ])
  })

  test('can be canceled while it waits', async () => {
    await using server = await startScripted((_, response) => void response.writeHead(200).write('x'))
    const stop = new AbortController()
    const job = { progress: () => {}, signal: stop.signal }
    const reading = collectBytes(
      openAt(server.domain).read(descriptor, undefined, job),
      SIZE,
      () => new Error('endless'),
    )
    setTimeout(() => stop.abort(), 20)
    await expect(reading).rejects.toMatchObject({ code: 'CANCELED' })
  })

  test('asks the authors of an image for a layer only when that was allowed, and shows them nothing', async () => {
    await using foreign = await startScripted((request, response) => serve(request, response))
    await using server = await startScripted((_, response) => reply(response, 404, {}))
    const credentials = { kind: 'registry-token', token: 'secret' } as const
    const layer = { ...descriptor, urls: [`http://${foreign.domain}/layer`] }
    const settings = settingsFor({ credentials })
    const read = (foreignLayers: boolean): Promise<Buffer> =>
      collectBytes(openAt(server.domain, { settings, foreignLayers }).read(layer), SIZE, () => new Error('endless'))
    await expect(read(false)).rejects.toMatchObject({ code: 'BLOB_NOT_FOUND' })
    expect(foreign.requests).toEqual([])
    expect((await read(true)).equals(bytes)).toBe(true)
    expect(foreign.headers[0]).not.toHaveProperty('authorization')
  })
})
