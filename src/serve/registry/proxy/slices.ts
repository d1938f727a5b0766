import { setTimeout as sleep } from 'node:timers/promises'
import type { Bytes } from '../../../core/index.ts'

/** Bytes after which a slice ends, so that what it brought can be read by others. */
const MOST = 1 << 20
/** Milliseconds without bytes after which a slice ends. */
const PAUSE = 20

/** Cuts a stream into slices of at most a mebibyte, which end earlier when the stream makes a pause. */
export async function* slices(bytes: Bytes): AsyncIterable<Bytes> {
  const iterator = bytes[Symbol.asyncIterator]()
  const source = new Source(iterator)
  try {
    while (!source.hasEnded) yield source.slice()
  } finally {
    await iterator.return?.()
  }
}

class Source {
  readonly #iterator: AsyncIterator<Uint8Array>
  #next: Promise<IteratorResult<Uint8Array>> | undefined
  hasEnded = false

  constructor(iterator: AsyncIterator<Uint8Array>) {
    this.#iterator = iterator
  }

  async *slice(): Bytes {
    for (let passed = 0; passed < MOST; ) {
      const result = await this.#take(passed > 0)
      if (result === undefined) return
      if (result.done) {
        this.hasEnded = true
        return
      }
      passed += result.value.length
      yield result.value
    }
  }

  /** The next chunk; `undefined` when it does not come soon, and need not be waited for. */
  async #take(isOptional: boolean): Promise<IteratorResult<Uint8Array> | undefined> {
    const next = this.#next ?? this.#iterator.next()
    this.#next = next
    // whoever takes it later gets the error; until then it is not an unhandled one
    next.catch(() => {})
    const result = isOptional ? await soon(next) : await next
    if (result !== undefined) this.#next = undefined
    return result
  }
}

async function soon<T>(promise: Promise<T>): Promise<T | undefined> {
  const timer = new AbortController()
  try {
    return await Promise.race([promise, sleep(PAUSE, undefined, { signal: timer.signal }).catch(() => undefined)])
  } finally {
    timer.abort()
  }
}
