import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { gatheredBody, PIECE } from './gathered-body.ts'

let server: Server
afterEach(() => server.close())

/** Serves one request with this, and gives what it came to, with the answer as the client saw it. */
async function exchange<T>(
  send: (socket: ReturnType<typeof connect>) => Promise<void> | void,
  read: (request: IncomingMessage) => Promise<T>,
): Promise<T> {
  const result = Promise.withResolvers<T>()
  server = createServer(async (request, response) => {
    await read(request).then(result.resolve, result.reject)
    response.end('done')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  await send(socket)
  try {
    return await result.promise
  } finally {
    socket.destroy()
  }
}

const head = (length: number): string => `PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: ${length}\r\n\r\n`

async function pieces(request: IncomingMessage, each: () => Promise<unknown> = nextTurn): Promise<Buffer[]> {
  const found: Buffer[] = []
  for await (const piece of gatheredBody(request)) {
    const before = Buffer.from(piece)
    await each()
    expect(before.equals(piece), 'a piece stays as it is until the next is asked for').toBe(true)
    found.push(before)
  }
  return found
}

test.each([0, 1, PIECE - 1, PIECE, PIECE + 1, 5 * PIECE + 12_345])('%d bytes come in full pieces', async (length) => {
  const body = randomBytes(length)
  const found = await exchange((socket) => void socket.write(Buffer.concat([Buffer.from(head(length)), body])), pieces)
  expect(Buffer.concat(found).equals(body)).toBe(true)
  expect(found.slice(0, -1).every((piece) => piece.length === PIECE)).toBe(true)
})

test('a reader that is slow does not lose anything, nor is more read than two pieces', async () => {
  const body = randomBytes(20 * PIECE)
  let sent = 0
  const found = await exchange(
    (socket) => {
      socket.write(head(body.length))
      socket.write(body, () => (sent = body.length))
    },
    (request) =>
      pieces(request, async () => {
        for (let turn = 0; turn < 20; turn++) await nextTurn()
        expect(request.readableLength).toBeLessThan(PIECE)
      }),
  )
  expect(Buffer.concat(found).equals(body)).toBe(true)
  expect(sent).toBe(body.length)
})

test('when the client breaks off, what came is given and then the failure', async () => {
  const came: number[] = []
  const failing = exchange(
    async (socket) => {
      socket.write(head(1000))
      socket.write(Buffer.alloc(600))
      await once(server, 'request')
      setTimeout(() => socket.destroy(), 20)
    },
    async (request) => {
      for await (const piece of gatheredBody(request)) came.push(piece.length)
    },
  )
  await expect(failing).rejects.toMatchObject({ code: 'ECONNRESET' })
  expect(came).toEqual([600])
})

test('one that is gone before anybody reads fails as well', async () => {
  const failing = exchange(
    async (socket) => {
      socket.write(head(1000))
      await once(server, 'request')
      socket.destroy()
    },
    async (request) => {
      request.on('error', () => {})
      await once(request, 'close')
      return pieces(request)
    },
  )
  await expect(failing).rejects.toMatchObject({ code: 'ECONNRESET' })
})

test('leaving early leaves the connection so that it can be answered', async () => {
  const length = 4 * PIECE
  server = createServer(async (request, response) => {
    for await (const _ of gatheredBody(request)) break
    response.writeHead(413).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1').on('error', () => {})
  socket.write(Buffer.concat([Buffer.from(head(length)), Buffer.alloc(length)]))
  const [answer] = (await once(socket, 'data')) as [Buffer]
  expect(answer.toString()).toMatch(/^HTTP\/1.1 413 /)
  socket.destroy()
})
