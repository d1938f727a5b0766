import type { IncomingMessage } from 'node:http'
import type { Bytes } from '../../../core/index.ts'

/** Bytes of a piece: see `UploadFile` for why. */
export const PIECE: number = 256 << 10

/** Buffers that no request uses at the moment; a few are kept. */
const spare: Buffer[] = []
const MOST_SPARE = 8
/** Milliseconds that bytes of a slow client wait for more. */
const PATIENCE = 50

/**
 * The body of a request in pieces of `PIECE` bytes, the last one shorter, as others are
 * when the client is slow. While one is looked at, the next fills; so who
 * reads must be done with a piece, or have copied it, when it asks for another. Node's own iterator gives chunks of at
 * most 64 KiB, and what it does for each of them costs as much as their digest. Leaving early leaves the connection as it
 * is. When the body breaks off, what came before is given first.
 */
export async function* gatheredBody(request: IncomingMessage): Bytes {
  const gathering = new Gathering(request)
  try {
    for (;;) {
      const piece = await gathering.next()
      if (!piece) return
      yield piece
    }
  } finally {
    gathering.stop()
  }
}

class Gathering {
  readonly #request: IncomingMessage
  #filling: Buffer = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE)
  #given: Buffer = spare.pop() ?? Buffer.allocUnsafeSlow(PIECE)
  #filled = 0
  /** What did not fit; the request is paused while there is any. */
  #rest: { bytes: Buffer; of: Buffer } | undefined
  #end: { error?: Error } | undefined
  #wake: (() => void) | undefined
  readonly #clock = setInterval(() => this.#filled > 0 && this.#tell(), PATIENCE)

  constructor(request: IncomingMessage) {
    this.#request = request
    if (request.readableEnded) this.#onEnd()
    else if (request.destroyed) this.#onClose()
    request.on('data', this.#onData).on('end', this.#onEnd).on('error', this.#onError).on('close', this.#onClose)
  }

  /** The next piece; `undefined` at the end. */
  async next(): Promise<Buffer | undefined> {
    if (this.#filled < PIECE && !this.#end) await new Promise<void>((resolve) => (this.#wake = resolve))
    if (this.#filled === 0) {
      if (this.#end?.error) throw this.#end.error
      return undefined
    }
    const piece = this.#filling.subarray(0, this.#filled)
    const next = this.#given
    this.#given = this.#filling
    this.#filling = next
    this.#filled = 0
    const rest = this.#rest
    this.#rest = undefined
    if (rest) this.#take(rest.bytes, rest.of)
    if (!this.#rest) this.#request.resume()
    return piece
  }

  stop(): void {
    clearInterval(this.#clock)
    const request = this.#request
    request.off('data', this.#onData).off('end', this.#onEnd).off('error', this.#onError).off('close', this.#onClose)
    if (!this.#end) request.pause()
    for (const buffer of [this.#filling, this.#given]) if (spare.length < MOST_SPARE) spare.push(buffer)
  }

  readonly #onData = (chunk: Buffer): void => {
    this.#take(chunk, chunk)
    if (this.#rest) this.#request.pause()
    if (this.#filled === PIECE) this.#tell()
  }

  readonly #onEnd = (): void => {
    this.#end ??= {}
    this.#tell()
  }

  readonly #onError = (error: Error): void => {
    this.#end ??= { error }
    this.#tell()
  }

  readonly #onClose = (): void => {
    this.#onError(Object.assign(new Error('aborted'), { code: 'ECONNRESET' }))
  }

  #tell(): void {
    this.#wake?.()
    this.#wake = undefined
  }

  /** Takes what fits of these bytes, which are the end `of` a chunk. */
  #take(bytes: Buffer, of: Buffer): void {
    const fitting = bytes.subarray(0, PIECE - this.#filled)
    this.#filling.set(fitting, this.#filled)
    this.#filled += fitting.length
    if (fitting.length < bytes.length) this.#rest = { bytes: bytes.subarray(fitting.length), of }
    else giveBack(of)
  }
}

/** Frees what Node's HTTP parser made for this chunk alone: the garbage collector, which would have to find it, takes longer. */
function giveBack({ buffer, byteLength }: Buffer): void {
  if (byteLength === buffer.byteLength && buffer instanceof ArrayBuffer) buffer.transfer(0)
}
