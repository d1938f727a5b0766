import { execFileSync } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import http, { type IncomingMessage, type ServerResponse } from 'node:http'
import https from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { ByteRange } from '../../../core/index.ts'
import { findProgram } from '../../../host/index.ts'
import { sendFile } from './send-file.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'slipway-send-'))
const SIZE = 12_345_678
const content = randomBytes(SIZE)
const file = path.join(folder, 'blob')
writeFileSync(file, content)
afterAll(() => rmSync(folder, { recursive: true }))

type Handler = (request: IncomingMessage, response: ServerResponse) => Promise<unknown>
let server: http.Server
let handler: Handler
let outcomes: Promise<unknown>[]
const agent = new http.Agent({ keepAlive: true })

beforeEach(async () => {
  outcomes = []
  handler = (request, response) => sendFile(response, { path: file, size: SIZE }, { range: head(request, response) })
  server = http.createServer((request, response) => {
    const outcome = handler(request, response)
    outcome.catch(() => {})
    outcomes.push(outcome)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
})
afterEach(() => {
  server.closeAllConnections()
  server.close()
})

/** Sets the head for the range that the query asks for. */
function head(request: IncomingMessage, response: ServerResponse): ByteRange {
  const query = new URL(request.url!, 'http://localhost').searchParams
  const start = Number(query.get('start') ?? 0)
  const end = Number(query.get('end') ?? SIZE)
  response.writeHead(200, { 'Content-Length': end - start })
  return { start, end }
}

const port = (): number => (server.address() as AddressInfo).port
const sha = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

async function get(target = '/', options: http.RequestOptions = {}): Promise<Buffer> {
  const request = http.get({ host: '127.0.0.1', port: port(), path: target, agent, ...options })
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  return Buffer.concat(await response.toArray())
}

/** A certificate for localhost, and its key. */
function certificate(): { key: string; cert: string } {
  const [key, cert] = [path.join(folder, 'key'), path.join(folder, 'cert')]
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2']
  const names = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost']
  execFileSync('openssl', [...request, ...names, '-keyout', key, '-out', cert], { stdio: 'ignore' })
  return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') }
}

/** Descriptors of this process that are open on the file. */
const openOnFile = (): number =>
  readdirSync('/proc/self/fd').filter((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`) === file
    } catch {
      return false
    }
  }).length

describe('content', () => {
  test('a whole file arrives as it is, and the transfer says how much that was', async () => {
    expect(sha(await get())).toBe(sha(content))
    expect(await outcomes[0]).toBe(SIZE)
  })

  test('on a plain connection most bytes do not pass through this process', async () => {
    let connection = 0
    const plain = handler
    handler = async (request, response) => {
      await plain(request, response)
      connection = request.socket.bytesWritten
    }
    await get('/', { agent: new http.Agent() })
    await outcomes[0]
    expect(connection).toBeLessThan(SIZE / 2)
  })

  test('any range arrives as it is', async () => {
    const bounds = fc.tuple(fc.nat(SIZE), fc.nat(SIZE)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const)
    const edges = fc.constantFrom(
      [0, 0],
      [0, 1],
      [SIZE - 1, SIZE],
      [0, 65_536],
      [0, 65_537],
      [1, 262_146],
    ) as typeof bounds
    await fc.assert(
      fc.asyncProperty(fc.oneof(bounds, edges), async ([start, end]) => {
        const got = await get(`/?start=${start}&end=${end}`)
        expect(got.equals(content.subarray(start, end))).toBe(true)
      }),
      { numRuns: 60 },
    )
  })

  test('a range without an end, and one that ends behind the file', async () => {
    for (const range of [{ start: 5_000_000 }, { start: 5_000_000, end: SIZE + 1000 }]) {
      handler = (_, response) => {
        response.setHeader('Content-Length', SIZE - range.start)
        return sendFile(response, { path: file, size: SIZE }, { range })
      }
      expect((await get()).equals(content.subarray(5_000_000))).toBe(true)
    }
  })

  test('HEAD has no body', async () => {
    const request = http.request({ host: '127.0.0.1', port: port(), method: 'HEAD', agent })
    request.end()
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(response.headers['content-length']).toBe(String(SIZE))
    expect(await response.toArray()).toEqual([])
    expect(await outcomes[0]).toBe(0)
  })

  test.skipIf(!findProgram('openssl'))('over TLS the same arrives', async () => {
    const { key, cert } = certificate()
    const secure = https.createServer({ key, cert }, (request, response) => void handler(request, response))
    await once(secure.listen(0, '127.0.0.1'), 'listening')
    const request = https.get({
      port: (secure.address() as AddressInfo).port,
      host: '127.0.0.1',
      path: '/?start=77',
      ca: cert,
      servername: 'localhost',
      agent: new https.Agent(),
    })
    const [response] = (await once(request, 'response')) as [IncomingMessage]
    expect(Buffer.concat(await response.toArray()).equals(content.subarray(77))).toBe(true)
    secure.close()
  })
})

describe('connections', () => {
  test('the same connection takes the next request', async () => {
    let connections = 0
    server.on('connection', () => connections++)
    const single = new http.Agent({ keepAlive: true, maxSockets: 1 })
    for (let at = 0; at < 5; at++) expect(sha(await get('/', { agent: single }))).toBe(sha(content))
    expect((await get('/?start=3&end=9', { agent: single })).length).toBe(6)
    single.destroy()
    expect(connections).toBe(1)
  })

  test('requests that come before the answer are answered in order', async () => {
    const socket = connect(port(), '127.0.0.1')
    const ranges = [
      [0, 3_000_000],
      [5, 10],
      [1_000_000, 4_000_000],
      [7, 90_000],
    ] as const
    const last = ranges.length - 1
    for (const [at, [start, end]] of ranges.entries()) {
      const close = at === last ? 'Connection: close\r\n' : ''
      socket.write(`GET /?start=${start}&end=${end} HTTP/1.1\r\nHost: a\r\n${close}\r\n`)
    }
    const all = Buffer.concat(await socket.toArray())
    let at = 0
    for (const [start, end] of ranges) {
      const body = all.indexOf('\r\n\r\n', at) + 4
      expect(all.subarray(body, body + end - start).equals(content.subarray(start, end))).toBe(true)
      at = body + end - start
    }
    expect(at).toBe(all.length)
  })

  test('fifty clients at a time, fast and slow ones', async () => {
    const slow = async (): Promise<Buffer> => {
      const request = http.get({ host: '127.0.0.1', port: port(), path: '/?end=4000000', agent: new http.Agent() })
      const [response] = (await once(request, 'response')) as [IncomingMessage]
      const chunks: Buffer[] = []
      for await (const chunk of response) {
        chunks.push(chunk as Buffer)
        if (chunks.length % 16 === 0) await sleep(1)
      }
      return Buffer.concat(chunks)
    }
    const wanted = sha(content.subarray(0, 4_000_000))
    const all = await Promise.all(Array.from({ length: 50 }, (_, at) => (at % 2 ? get('/?end=4000000') : slow())))
    expect(new Set(all.map(sha))).toEqual(new Set([wanted]))
    await Promise.all(outcomes)
    expect(openOnFile()).toBe(0)
  })

  test('a reader that stands still does not keep others waiting, and gets its bytes in the end', async () => {
    const request = http.get({ host: '127.0.0.1', port: port(), agent: new http.Agent() })
    const [still] = (await once(request, 'response')) as [IncomingMessage]
    for (let at = 0; at < 3; at++) expect((await get('/?end=1000000')).length).toBe(1_000_000)
    expect(sha(Buffer.concat(await still.toArray()))).toBe(sha(content))
  })

  test('the server’s own time limit ends a connection whose reader stands still, and no other', async () => {
    server.timeout = 300
    const stuck = connect(port(), '127.0.0.1')
    stuck.on('error', () => {})
    stuck.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(stuck, 'readable')
    expect(Number(await outcomes[0])).toBeLessThan(SIZE)
    expect(openOnFile()).toBe(0)
    stuck.destroy()
  })
})

describe('ends before the end', () => {
  test('a reader that leaves leaves nothing open', async () => {
    for (let at = 0; at < 20; at++) {
      const socket = connect(port(), '127.0.0.1')
      socket.on('error', () => {})
      socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
      await once(socket, 'data')
      if (at % 2) socket.destroy()
      else socket.resetAndDestroy()
    }
    const sent = await Promise.all(outcomes)
    expect(sent.length).toBe(20)
    expect(sent.every((bytes) => Number(bytes) < SIZE)).toBe(true)
    expect(openOnFile()).toBe(0)
  })

  test('a reader that leaves while its second answer waits for its turn', async () => {
    const socket = connect(port(), '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'readable')
    while (outcomes.length < 2) await sleep(1)
    socket.resetAndDestroy()
    const [first, second] = await Promise.all(outcomes)
    expect(Number(first)).toBeLessThan(SIZE)
    expect(second).toBe(0)
    expect(openOnFile()).toBe(0)
  })

  test('an aborted transfer closes the connection and fails with the reason', async () => {
    const abort = new AbortController()
    handler = (request, response) =>
      sendFile(response, { path: file, size: SIZE }, { range: head(request, response), signal: abort.signal })
    const socket = connect(port(), '127.0.0.1')
    socket.on('error', () => {})
    socket.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(socket, 'readable')
    abort.abort(new Error('shutting down'))
    await expect(outcomes[0]).rejects.toThrow('shutting down')
    socket.resume()
    await once(socket, 'close')
    expect(openOnFile()).toBe(0)
  })

  test('a file that becomes shorter meanwhile: the connection is closed, not filled up', async () => {
    const shrinking = path.join(folder, 'shrinking')
    writeFileSync(shrinking, content)
    handler = async (request, response) => {
      const sent = sendFile(response, { path: shrinking, size: SIZE }, { range: head(request, response) })
      truncateSync(shrinking, 1_000_000)
      return sent
    }
    await expect(get()).rejects.toThrow(/aborted|ECONNRESET|socket hang up/)
    await expect(outcomes[0]).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
  })

  test('a small file that is shorter than it should be', async () => {
    const small = path.join(folder, 'small')
    writeFileSync(small, 'abc')
    handler = (_, response) => {
      response.writeHead(200, { 'Content-Length': 10 })
      return sendFile(response, { path: small, size: 10 })
    }
    await expect(get()).rejects.toThrow(/aborted|ECONNRESET|socket hang up/)
    await expect(outcomes[0]).rejects.toMatchObject({ code: 'CONTENT_MISMATCH' })
  })

  test('a file that is not there', async () => {
    handler = async (_, response) => {
      const sent = sendFile(response, { path: path.join(folder, 'none'), size: 10 })
      await sent.catch(() => response.writeHead(404).end())
      return sent
    }
    expect((await get()).length).toBe(0)
    await expect(outcomes[0]).rejects.toMatchObject({ code: 'ENOENT' })
  })
})
