import { type ByteRange, createDigester, type Digester, digestAlgorithm, fail } from '../core/index.ts'
import type { Descriptor } from '../oci/index.ts'
import { checkWhole, contentRange } from './content-headers.ts'
import { headerOf } from './http/redirect.ts'
import type { Answer } from './http/send.ts'

/** How far a blob, or a range of one, has come; its digest grows with it when it is whole. */
export class Delivery {
  readonly #descriptor: Descriptor
  readonly #start: number
  readonly end: number
  readonly #digester: Digester | undefined
  /** Offset of the next byte. */
  at: number

  constructor(descriptor: Descriptor, range: ByteRange | undefined) {
    this.#descriptor = descriptor
    this.#start = range?.start ?? 0
    this.at = this.#start
    this.end = Math.min(range?.end ?? descriptor.size, descriptor.size)
    this.#digester = range === undefined ? createDigester(digestAlgorithm(descriptor.digest)) : undefined
  }

  get isComplete(): boolean {
    return this.at >= this.end
  }

  get hasBegun(): boolean {
    return this.at > this.#start
  }

  /** Whether it ends before the blob does. */
  get isPart(): boolean {
    return this.end < this.#descriptor.size
  }

  /** What to ask for; nothing when that is all of it. */
  rangeHeader(): string | undefined {
    if (this.at === 0 && !this.isPart) return undefined
    return `bytes=${this.at}-${this.isPart ? this.end - 1 : ''}`
  }

  /**
   * How many bytes of this answer come before the next one; `undefined` when it is another range. Fails with
   * `CONTENT_MISMATCH` when the blob is of another size than declared, and with `REGISTRY_INVALID_ANSWER`.
   */
  skipIn(answer: Pick<Answer, 'status' | 'headers' | 'url'>): number | undefined {
    if (answer.status === 416) return undefined
    checkWhole(answer)
    if (answer.status === 206) return this.#skipInPart(answer)
    const { size } = this.#descriptor
    const length = headerOf(answer, 'content-length')
    if (length !== undefined && Number(length) !== size) {
      throw this.#mismatch(`has ${length.slice(0, 20)} bytes, ${size} were declared`)
    }
    return this.at
  }

  /** RFC 9110, 15.3.7: the header says what was sent, which may be more than was asked for; its length must agree. */
  #skipInPart(answer: Pick<Answer, 'headers'>): number | undefined {
    const range = contentRange(answer)
    if (!range) return undefined
    const { size } = this.#descriptor
    const { first, last } = range
    const length = headerOf(answer, 'content-length')
    const agrees = length === undefined ? first === this.at : Number(length) === last - first + 1
    const fits = first <= this.at && this.at <= last && last < size && (range.size ?? size) === size
    return fits && agrees ? this.at - first : undefined
  }

  /** Counts bytes, and returns those of them that belong to it. Fails with `CONTENT_MISMATCH` when the blob is too long. */
  take(chunk: Buffer): Buffer {
    const room = this.end - this.at
    if (chunk.length > room && !this.isPart) {
      throw this.#mismatch(`has more than the declared ${this.#descriptor.size} bytes`)
    }
    const taken = chunk.length > room ? chunk.subarray(0, room) : chunk
    this.at += taken.length
    this.#digester?.update(taken)
    return taken
  }

  /** Call once, at the end. Fails with `CONTENT_MISMATCH`. */
  verify(): void {
    const actual = this.#digester?.digest()
    if (actual !== undefined && actual !== this.#descriptor.digest) throw this.#mismatch(`has the digest ${actual}`)
  }

  #mismatch(what: string): Error {
    return fail('CONTENT_MISMATCH', `content of ${this.#descriptor.digest} ${what}`)
  }
}
