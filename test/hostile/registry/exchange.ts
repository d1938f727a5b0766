import type { IncomingMessage, ServerResponse } from 'node:http'

/** One request to the hostile registry, with what an honest answer would be. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  /** What was asked for. */
  readonly bytes: Buffer
  readonly type: string
  /** How often this was asked for before, HEAD not counted. */
  readonly before: number
  /** The other server of the same evil, under another name. */
  readonly peer: string
}

/** How a request is answered. */
export type Answer = (exchange: Exchange) => void

/** What an answer of bytes differs in from an honest one. */
export interface Twist {
  headers?: Record<string, string>
  /** Of the bytes asked for, in order, only those for which the offset in the whole is less than this. */
  until?: number
  /** How the connection ends behind them. */
  end?: 'close' | 'reset'
}

/** Where an answer begins: the offset a `Range` asks for. */
export function startOf({ request }: Pick<Exchange, 'request'>): number {
  return Number(/^bytes=(\d+)-/.exec(request.headers.range ?? '')?.[1] ?? 0)
}

/** An answer with the bytes that were asked for, ranges included; with twists, less than that. */
export function serve(exchange: Exchange, twist: Twist = {}): void {
  const { request, response, bytes, type } = exchange
  const start = startOf(exchange)
  const { length } = bytes
  if (start >= length) {
    end(exchange, 416, { 'Content-Range': `bytes */${length}` })
    return
  }
  const ranged =
    request.headers.range === undefined ? {} : { 'Content-Range': `bytes ${start}-${length - 1}/${length}` }
  response.writeHead(request.headers.range === undefined ? 200 : 206, {
    'Content-Type': type,
    'Content-Length': length - start,
    'Accept-Ranges': 'bytes',
    ...ranged,
    ...twist.headers,
  })
  if (request.method === 'HEAD') return void response.end()
  const { until = length, end: how } = twist
  if (!how) return void response.end(bytes.subarray(start))
  const finish = (): unknown => (how === 'reset' ? request.socket.resetAndDestroy() : request.socket.destroySoon())
  // what was written before a reset may be lost with it; a moment lets it arrive
  if (until > start) response.write(bytes.subarray(start, until), () => setTimeout(finish, 20))
  else {
    response.flushHeaders()
    setTimeout(finish, 5)
  }
}

/** An answer without anything in it. */
export function end(
  { response }: Pick<Exchange, 'response'>,
  status: number,
  headers: Record<string, string> = {},
): void {
  response.writeHead(status, { 'Content-Length': '2', ...headers }).end('{}')
}

/** Sends the same bytes for ever, though no more than `most`. */
export function flood(
  { request, response }: Exchange,
  headers: Record<string, string>,
  piece: Buffer,
  most: number = 1 << 29,
): void {
  response.writeHead(200, headers)
  if (request.method === 'HEAD') {
    response.end()
    return
  }
  let sent = 0
  const more = (): void => {
    if (response.destroyed || sent >= most) return void response.destroy()
    sent += piece.length
    response.write(piece, () => setImmediate(more))
  }
  more()
}
