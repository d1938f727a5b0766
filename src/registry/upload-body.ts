import { type Bytes, createDigester, type Digester, digestAlgorithm, fail } from '../core/index.ts'
import type { Body, Descriptor } from '../oci/index.ts'

/**
 * The bytes of an upload, from any offset on when the body can do that. What passes for the first time is hashed; so a blob
 * that goes out whole from here is verified, and one that another process began is verified by the registry alone.
 */
export class UploadBody {
  readonly #descriptor: Descriptor
  readonly #body: Body
  readonly #digester: Digester
  #hashed = 0
  #isUsed = false
  #isVerified = false
  /** What the source of the bytes failed with, or `CONTENT_MISMATCH`. */
  failure: unknown

  constructor(descriptor: Descriptor, body: Body) {
    this.#descriptor = descriptor
    this.#body = body
    this.#digester = createDigester(digestAlgorithm(descriptor.digest))
  }

  /** Whether it can be read from there on. */
  canStart(offset: number): boolean {
    return this.#body.from !== undefined || (offset === 0 && !this.#isUsed)
  }

  get isResumable(): boolean {
    return this.#body.from !== undefined
  }

  /** The bytes behind `offset`. */
  async *read(offset: number): Bytes {
    if (!this.canStart(offset))
      throw fail('REGISTRY_UNAVAILABLE', 'the registry wants a layer again that cannot be read twice')
    this.#isUsed = true
    const chunks = this.#checked(offset)
    try {
      for (;;) {
        // what the connection breaks with is thrown in at the yield, and is no failure of the source
        const { value, done } = await chunks.next().catch((error: unknown) => {
          this.failure ??= error
          throw error
        })
        if (done) return
        yield value
      }
    } finally {
      await chunks.return(undefined)
    }
  }

  async *#checked(offset: number): AsyncGenerator<Uint8Array, undefined> {
    let at = offset
    const { size } = this.#descriptor
    const { from } = this.#body
    for await (const chunk of from ? from.call(this.#body, offset) : this.#body) {
      this.#hash(chunk, at)
      at += chunk.length
      if (at > size) throw this.#mismatch(`has more than the declared ${size} bytes`)
      // before the last chunk goes out: a registry then never has the whole of what is wrong
      if (at === size) this.#verify()
      yield chunk
    }
    if (at !== size) throw this.#mismatch(`has ${at} bytes, ${size} were declared`)
  }

  #hash(chunk: Uint8Array, at: number): void {
    const seen = this.#hashed - at
    if (seen < 0 || seen >= chunk.length) return
    this.#digester.update(seen === 0 ? chunk : chunk.subarray(seen))
    this.#hashed = at + chunk.length
  }

  #verify(): void {
    if (this.#hashed !== this.#descriptor.size || this.#isVerified) return
    this.#isVerified = true
    const actual = this.#digester.digest()
    if (actual !== this.#descriptor.digest) throw this.#mismatch(`has the digest ${actual}`)
  }

  #mismatch(what: string): Error {
    return fail('CONTENT_MISMATCH', `content of ${this.#descriptor.digest} ${what}`)
  }
}
