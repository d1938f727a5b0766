/*
 * Does one piece of work against a server and prints what it took: its own process, so that its time is not the
 * server's. Plain sockets, since a client that costs little lets the server be seen. node load.ts PORT '{"kind": ...}'
 */
import { createHash } from 'node:crypto'
import { closeSync, openSync, readSync, statSync } from 'node:fs'
import { connect, type Socket } from 'node:net'

/** The same request again and again, on several connections; `{n}` in the target is a number that counts up. */
export interface RequestWork {
  kind: 'requests'
  method: string
  target: string
  headers?: Record<string, string>
  body?: string
  status: number
  connections: number
  seconds: number
}
/** One blob by several clients at a time. */
export interface DownloadWork {
  kind: 'download'
  target: string
  bytes: number
  clients: number
}
/** A file as a new blob: POST and PUT, or POST, PATCH in chunks as clients stream it, and PUT. */
export interface UploadWork {
  kind: 'upload'
  repository: string
  file: string
  digest: string
  patch: boolean
}
/** What is to be done. */
export type Work = RequestWork | DownloadWork | UploadWork

/** What it took. Times in milliseconds. */
export interface Taken {
  requests: number
  bytes: number
  wall: number
  p50?: number
  p99?: number
}

const CHUNK = 1 << 20

/** The head of an answer, and how many bytes of the body came with it. */
interface Head {
  status: number
  length: number
  location: string
  rest: number
}

function parseHead(bytes: Buffer, end: number): Head {
  const text = bytes.toString('latin1', 0, end)
  const field = (name: string): string => new RegExp(`\\r\\n${name}: *([^\\r]*)`, 'i').exec(text)?.[1] ?? ''
  return {
    status: Number(text.slice(9, 12)),
    length: Number(field('content-length') || 0),
    location: field('location'),
    rest: bytes.length - end - 4,
  }
}

/** Reads answers from a connection one after the other; bodies are only counted. */
class Answers {
  readonly socket: Socket
  private pending: Buffer = Buffer.alloc(0)
  private body = 0
  private current: Head | undefined
  private waiting: { head: boolean; resolve(head: Head): void; reject(error: Error): void } | undefined

  constructor(port: number) {
    const buffer = Buffer.allocUnsafeSlow(CHUNK)
    const onread = { buffer, callback: (count: number) => this.take(buffer, count) }
    this.socket = connect({ port, host: '127.0.0.1', noDelay: true, onread })
    this.socket.on('error', (error) => this.waiting?.reject(error))
    this.socket.on('close', () => this.waiting?.reject(new Error('the server closed the connection')))
  }

  /** The next answer, once all of it is here. `head`: it has no body, whatever it says. */
  next(head = false): Promise<Head> {
    return new Promise((resolve, reject) => {
      this.waiting = { head, resolve, reject }
    })
  }

  private take(buffer: Buffer, count: number): boolean {
    if (this.current) this.body -= count
    else this.takeHead(Buffer.concat([this.pending, buffer.subarray(0, count)]))
    const { current, waiting } = this
    if (!current || this.body > 0) return true
    this.current = undefined
    this.pending = Buffer.alloc(0)
    this.waiting = undefined
    waiting?.resolve(current)
    return true
  }

  private takeHead(bytes: Buffer): void {
    const end = bytes.indexOf('\r\n\r\n')
    this.pending = bytes
    if (end < 0) return
    this.current = parseHead(bytes, end)
    this.body = this.waiting?.head || this.current.status === 204 ? 0 : this.current.length - this.current.rest
  }
}

function requestHead(method: string, target: string, headers: Record<string, string>): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  return `${method} ${target} HTTP/1.1\r\nHost: 127.0.0.1\r\n${lines.join('')}\r\n`
}

async function doRequests(port: number, work: RequestWork): Promise<Taken> {
  const { method, body = '', status } = work
  const length = method === 'GET' || method === 'HEAD' ? {} : { 'Content-Length': String(Buffer.byteLength(body)) }
  const headers = { ...work.headers, ...length }
  const latencies: number[] = []
  const started = performance.now()
  const end = started + work.seconds * 1000
  const tag = process.pid.toString(36)
  let number = 0
  let bytes = 0
  const client = async (): Promise<void> => {
    const answers = new Answers(port)
    while (performance.now() < end) {
      const before = performance.now()
      answers.socket.write(requestHead(method, work.target.replace('{n}', `${tag}-${number++}`), headers) + body)
      const head = await answers.next(method === 'HEAD')
      if (head.status !== status) throw new Error(`${method} ${work.target}: ${head.status} and not ${status}`)
      latencies.push(performance.now() - before)
      bytes += head.length
    }
    answers.socket.destroy()
  }
  await Promise.all(Array.from({ length: work.connections }, client))
  const wall = performance.now() - started
  latencies.sort((a, b) => a - b)
  const part = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0
  return { requests: latencies.length, bytes, wall, p50: part(0.5), p99: part(0.99) }
}

async function doDownload(port: number, work: DownloadWork): Promise<Taken> {
  const started = performance.now()
  const client = async (): Promise<void> => {
    const answers = new Answers(port)
    answers.socket.write(requestHead('GET', work.target, {}))
    const { status, length } = await answers.next()
    if (status !== 200 || length !== work.bytes) throw new Error(`GET ${work.target}: ${status}, ${length} bytes`)
    answers.socket.destroy()
  }
  await Promise.all(Array.from({ length: work.clients }, client))
  return { requests: work.clients, bytes: work.bytes * work.clients, wall: performance.now() - started }
}

async function doUpload(port: number, work: UploadWork): Promise<Taken> {
  const started = performance.now()
  const answers = new Answers(port)
  const ask = async (method: string, target: string, file?: { chunked: boolean; size: number }): Promise<Head> => {
    const size = { 'Content-Length': String(file?.size ?? 0) }
    const framing = file?.chunked ? { 'Transfer-Encoding': 'chunked' } : size
    const answer = answers.next()
    answers.socket.write(requestHead(method, target, { ...framing, 'Content-Type': 'application/octet-stream' }))
    if (file) await writeFile(answers.socket, work.file, file.chunked)
    const head = await answer
    if (head.status >= 300) throw new Error(`${method} ${target}: ${head.status}`)
    return head
  }
  const { size } = statSync(work.file)
  const relative = ({ location }: Head): string => location.replace(/^http:\/\/[^/]*/, '')
  let place = relative(await ask('POST', `/v2/${work.repository}/blobs/uploads/`))
  if (work.patch) place = relative(await ask('PATCH', place, { chunked: true, size }))
  const target = `${place}${place.includes('?') ? '&' : '?'}digest=${work.digest}`
  await ask('PUT', target, work.patch ? undefined : { chunked: false, size })
  answers.socket.destroy()
  return { requests: work.patch ? 3 : 2, bytes: size, wall: performance.now() - started }
}

/** The digest of a file. */
export function digestOf(file: string): string {
  const hash = createHash('sha256')
  for (const chunk of chunksOf(file)) hash.update(chunk)
  return `sha256:${hash.digest('hex')}`
}

function* chunksOf(file: string): Generator<Buffer> {
  const fd = openSync(file, 'r')
  const buffer = Buffer.allocUnsafeSlow(CHUNK)
  try {
    for (let got = readSync(fd, buffer); got > 0; got = readSync(fd, buffer)) yield buffer.subarray(0, got)
  } finally {
    closeSync(fd)
  }
}

async function writeFile(socket: Socket, file: string, chunked: boolean): Promise<void> {
  for (const chunk of chunksOf(file)) {
    if (chunked) socket.write(`${chunk.length.toString(16)}\r\n`)
    await new Promise<void>((resolve, reject) => socket.write(chunk, (error) => (error ? reject(error) : resolve())))
    if (chunked) socket.write('\r\n')
  }
  if (chunked) socket.write('0\r\n\r\n')
}

/** Does the work from this process. Throws when an answer is not the one that was expected. */
export async function perform(port: number, work: Work): Promise<Taken> {
  if (work.kind === 'requests') return doRequests(port, work)
  return work.kind === 'download' ? doDownload(port, work) : doUpload(port, work)
}

if (process.argv[1] === import.meta.filename) {
  const taken = await perform(Number(process.argv[2]), JSON.parse(process.argv[3]!) as Work)
  process.stdout.write(JSON.stringify(taken))
}
