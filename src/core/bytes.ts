/**
 * The currency for bytes between rooms: chunks, pulled by the reader. A Node `Readable` is one.
 * A reader that stops early must `return()` the iterator (a `for await` with `break` does).
 */
export type Bytes = AsyncIterable<Uint8Array>

/** Half-open range of byte offsets; without `end` it runs to the last byte. */
export interface ByteRange {
  start: number
  end?: number
}

/** Bytes already in memory, as a stream of one chunk. */
export async function* bytesOf(...chunks: Uint8Array[]): Bytes {
  yield* chunks
}

/**
 * All bytes of a stream in one buffer.
 * `limit` is a hard cap in bytes; `onExceeded` makes the error that is thrown when the stream is longer.
 */
export async function collectBytes(bytes: Bytes, limit: number, onExceeded: () => Error): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of bytes) {
    size += chunk.length
    if (size > limit) throw onExceeded()
    chunks.push(chunk)
  }
  return Buffer.concat(chunks, size)
}

/** The same chunk as a `Buffer`, without copying. */
export function asBuffer(chunk: Uint8Array): Buffer {
  return Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
}
