import { type Bytes, type Digest, hasCode, SlipwayError, verified, withDiskCode } from '../core/index.ts'
import type { PartialFile } from './partial-file.ts'

/** Where the bytes of a blob come from and go to. */
export interface Continuation<T> {
  /** The bytes from an offset on. */
  from(offset: number): Bytes
  /** Takes in the whole, from its first byte; reads it to its end. */
  take(bytes: Bytes): Promise<T>
}

/**
 * Takes in a blob of which the beginning may be here already: the source is only asked for the rest. What comes is
 * added to the file as it passes. When the source breaks off, the file keeps what came. Content that is not what its
 * digest says is not kept; if it was put together from pieces, the whole is asked for once more. Nor is anything kept
 * that fills a disk.
 */
export async function continued<T>(
  partial: PartialFile,
  blob: { digest: Digest; size: number },
  { from, take }: Continuation<T>,
): Promise<T> {
  const offset = partial.size
  let broken = false
  const observed = (start: number): Bytes => noticing(from(start), () => (broken = true))
  try {
    return await take(verified(wholeOf(partial, blob.size, observed), blob))
  } catch (error) {
    if (hasCode(withDiskCode(error), 'DISK_FULL')) partial.remove()
    // what a source or a disk fails with says nothing about the bytes that came before
    if (broken || !(error instanceof SlipwayError) || error.fault !== 'invalid') throw error
    partial.restart()
    if (offset > 0) return await continued(partial, blob, { from, take })
    partial.remove()
    throw error
  }
}

/** Passes bytes on, and notices when they break off; some sources verify them, too. */
async function* noticing(bytes: Bytes, broke: () => void): Bytes {
  try {
    yield* bytes
  } catch (error) {
    if (!hasCode(error, 'CONTENT_MISMATCH')) broke()
    throw error
  }
}

async function* wholeOf(partial: PartialFile, size: number, from: (offset: number) => Bytes): Bytes {
  const offset = partial.size
  yield* partial.read(offset)
  if (offset === size && size > 0) return
  for await (const chunk of from(offset)) {
    // what is too much is refused by whoever reads this
    if (partial.size + chunk.length <= size) partial.append(chunk)
    yield chunk
  }
}
