import { asBuffer, type Bytes } from '../../core/index.ts'

/**
 * Cuts a zstd stream so that no chunk runs over the end of a frame: Node's decoder takes the end of a frame inside of
 * a chunk for the end of everything, and drops the rest. Bytes that are no frame pass as they are; the decoder
 * refuses them.
 */
export async function* splitZstdFrames(bytes: Bytes): Bytes {
  const walker = new FrameWalker()
  for await (const chunk of bytes) {
    let start = 0
    for (const end of walker.frameEnds(chunk)) {
      yield asBuffer(chunk).subarray(start, end)
      start = end
    }
    if (start < chunk.length) yield asBuffer(chunk).subarray(start)
  }
}

/** Follows the headers of frames and blocks (RFC 8878, sections 3.1.1 and 3.1.2) through chunks of any size. */
class FrameWalker {
  #field: number[] = []
  #want = 4
  #use: (field: readonly number[]) => void = (field) => this.#magic(field)
  #skip = 0
  #hasChecksum = false
  #atEnd = false
  #lost = false

  /** Offsets in this chunk at which frames end. */
  frameEnds(chunk: Uint8Array): number[] {
    const ends: number[] = []
    let at = 0
    while (at < chunk.length && !this.#lost) {
      if (this.#skip > 0) {
        const skipped = Math.min(this.#skip, chunk.length - at)
        this.#skip -= skipped
        at += skipped
      } else {
        this.#field.push(chunk[at++]!)
        if (this.#field.length === this.#want) this.#use(this.#field.splice(0))
      }
      if (this.#atEnd && this.#skip === 0 && this.#field.length === 0) {
        this.#atEnd = false
        ends.push(at)
      }
    }
    return ends
  }

  #next(want: number, use: (field: readonly number[]) => void): void {
    this.#want = want
    this.#use = use
  }

  #endFrame(skip: number): void {
    this.#skip = skip
    this.#atEnd = true
    this.#next(4, (field) => this.#magic(field))
  }

  #magic(field: readonly number[]): void {
    const magic = littleEndian(field)
    if (magic === 0xfd2fb528) this.#next(1, ([descriptor]) => this.#descriptor(descriptor!))
    else if (magic >>> 4 === 0x184d2a5) this.#next(4, (size) => this.#endFrame(littleEndian(size)))
    else this.#lost = true
  }

  #descriptor(descriptor: number): void {
    const singleSegment = (descriptor >> 5) & 1
    this.#hasChecksum = (descriptor & 4) !== 0
    const dictionary = [0, 1, 2, 4][descriptor & 3]!
    const contentSize = [singleSegment, 2, 4, 8][descriptor >> 6]!
    this.#skip = 1 - singleSegment + dictionary + contentSize
    this.#next(3, (field) => this.#block(littleEndian(field)))
  }

  #block(header: number): void {
    const isRunLength = ((header >> 1) & 3) === 1
    const size = isRunLength ? 1 : header >> 3
    if (header & 1) this.#endFrame(size + (this.#hasChecksum ? 4 : 0))
    else this.#skip = size
  }
}

function littleEndian(bytes: readonly number[]): number {
  return bytes.reduceRight((value, byte) => value * 256 + byte, 0)
}
