import { createServer, type IncomingMessage, type ServerResponse, request as send } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Chance } from './chance.ts'
import { chooseFault, type Fault } from './fault.ts'

/** How a proxy disturbs. */
export interface ChaosOptions {
  /** Port of the registry on loopback. */
  readonly registry: number
  readonly seed: number
  /** The most faults that anything has: a blob that is read, all uploads together, manifests, and the rest. */
  readonly mostFaults: number
}

/** A proxy before a registry that disturbs what goes through it. */
export interface ChaosProxy extends AsyncDisposable {
  /** `127.0.0.1:PORT` */
  readonly host: string
  /** What was done to which request. */
  readonly faults: string[]
  /** Bytes of blobs that went to the client. */
  readonly fetched: number
  /** Bytes of uploads that came from the client. */
  readonly uploaded: number
}

/** How likely it is that a request has a fault while its kind may have some. */
const LIKELIHOOD = 0.6
const PIECE = 16 * 1024
/** What was written before a reset may be lost with it; so long it has to arrive. */
const ARRIVAL = 30

/** Starts a proxy. The same seed does the same to the same requests. */
export async function openChaosProxy(options: ChaosOptions): Promise<ChaosProxy> {
  const proxy = new DisturbingProxy(options)
  await proxy.listen()
  return proxy
}

class DisturbingProxy implements ChaosProxy {
  readonly faults: string[] = []
  fetched = 0
  uploaded = 0
  readonly #options: ChaosOptions
  readonly #chance: Chance
  /** How many faults things may have yet. */
  readonly #budgets = new Map<string, number>()
  readonly #server = createServer((request, response) => {
    // whoever leaves leaves
    this.#handle(request, response).catch(() => request.socket.destroy())
  })

  constructor(options: ChaosOptions) {
    this.#options = options
    this.#chance = new Chance(options.seed)
  }

  get host(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  listen(): Promise<void> {
    return new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const fault = this.#faultFor(request)
    if (fault) this.faults.push(`${request.method} ${request.url}: ${JSON.stringify(fault)}`)
    if (fault?.kind === 'refuse') request.socket.resetAndDestroy()
    else if (fault?.kind === 'status') answerStatus(request, response, fault)
    else await this.#forward(request, response, fault)
  }

  #faultFor(request: IncomingMessage): Fault | undefined {
    const key = kindOf(request)
    const left = this.#budgets.get(key) ?? this.#chance.below(this.#options.mostFaults + 1)
    const isDisturbed = left > 0 && this.#chance.next() < LIKELIHOOD
    const fault = isDisturbed ? chooseFault(request, this.#chance) : undefined
    this.#budgets.set(key, fault && fault.kind !== 'slow' ? left - 1 : left)
    return fault
  }

  async #forward(request: IncomingMessage, response: ServerResponse, fault: Fault | undefined): Promise<void> {
    const { method, url, headers } = request
    // the host stays the client's, so that a Location leads here again
    const outgoing = send({ host: '127.0.0.1', port: this.#options.registry, method, path: url, headers })
    const answered = new Promise<IncomingMessage>((resolve, reject) => {
      outgoing.once('response', resolve)
      outgoing.once('error', reject)
    })
    answered.catch(() => {})
    response.once('close', () => outgoing.destroy())
    const whole = await this.#passRequest(request, outgoing, fault)
    if (!whole) return
    const answer = await answered
    answer.on('error', () => request.socket.destroy())
    if (fault?.kind === 'lose') {
      answer.resume()
      request.socket.resetAndDestroy()
    } else await this.#passAnswer(request, { answer, response }, fault)
  }

  /** Whether all of it went. */
  async #passRequest(
    request: IncomingMessage,
    outgoing: ReturnType<typeof send>,
    fault: Fault | undefined,
  ): Promise<boolean> {
    const length = Number(request.headers['content-length'] ?? 1 << 20)
    let left = fault?.kind === 'break' ? Math.floor(length * fault.at) : Number.POSITIVE_INFINITY
    for await (const chunk of request as AsyncIterable<Buffer>) {
      this.uploaded += isUpload(request) ? chunk.length : 0
      const passed = chunk.subarray(0, Math.min(chunk.length, left))
      left -= passed.length
      await new Promise((resolve) => outgoing.write(passed, resolve))
      if (fault?.kind === 'slow') await sleep(1)
      if (left > 0) continue
      await sleep(ARRIVAL)
      outgoing.destroy()
      request.socket.resetAndDestroy()
      return false
    }
    outgoing.end()
    return true
  }

  async #passAnswer(
    request: IncomingMessage,
    { answer, response }: { answer: IncomingMessage; response: ServerResponse },
    fault: Fault | undefined,
  ): Promise<void> {
    response.writeHead(answer.statusCode ?? 502, answer.headers)
    response.flushHeaders()
    const length = Number(answer.headers['content-length'] ?? 0)
    const isCut = fault?.kind === 'reset' || fault?.kind === 'cut' || fault?.kind === 'stall'
    let left = isCut ? Math.floor(length * fault.at) : Number.POSITIVE_INFINITY
    for await (const chunk of answer as AsyncIterable<Buffer>) {
      for (const piece of fault?.kind === 'slow' ? piecesOf(chunk) : [chunk]) {
        const passed = piece.subarray(0, Math.min(piece.length, left))
        left -= passed.length
        this.fetched += isBlob(request) ? passed.length : 0
        await written(response, passed)
        if (left <= 0) {
          // leaving the loop gives up the answer, which must not yet be seen by the client
          answer.removeAllListeners('error').on('error', () => {})
          return breakOff(request, fault?.kind)
        }
        if (fault?.kind === 'slow') await sleep(1)
      }
    }
    response.end()
  }
}

/** What faults are counted for. */
function kindOf({ method, url = '' }: IncomingMessage): string {
  if (/\/blobs\/uploads\//.test(url)) return 'uploads'
  if (/\/manifests\//.test(url)) return `manifests ${method}`
  return `${method} ${url}`
}

const isBlob = ({ url = '' }: IncomingMessage): boolean => /\/blobs\/sha256:/.test(url)
const isUpload = ({ url = '' }: IncomingMessage): boolean => /\/blobs\/uploads\//.test(url)

function* piecesOf(chunk: Buffer): Generator<Buffer> {
  for (let at = 0; at < chunk.length; at += PIECE) yield chunk.subarray(at, at + PIECE)
}

/** Resolves when the client has taken the bytes. Rejects when it has left. */
function written(response: ServerResponse, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    response.write(bytes, (error) => (error ? reject(error) : resolve()))
  })
}

async function breakOff({ socket }: IncomingMessage, how: string | undefined): Promise<void> {
  if (how === 'stall') return // until the client has had enough
  await sleep(ARRIVAL)
  if (how === 'reset') socket.resetAndDestroy()
  else socket.destroySoon()
}

function answerStatus(
  request: IncomingMessage,
  response: ServerResponse,
  { status, retryAfter }: Extract<Fault, { kind: 'status' }>,
): void {
  request.resume()
  const headers = { Connection: 'close', 'Content-Length': 2 }
  response.writeHead(status, retryAfter === undefined ? headers : { ...headers, 'Retry-After': retryAfter }).end('{}')
}
