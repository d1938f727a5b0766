import zlib from 'node:zlib'
import { writeAll } from '../write-all.ts'

const BUFFER = 1 << 20

/** Writes a file from front to back through a buffer, and keeps the CRC-32 of it. */
export class Sink {
  /** Where the next `reserve` begins, in the file. */
  position: number
  checksum = 0
  readonly #fd: number
  /** For encoders that write in place: `reserve` says where. */
  readonly buffer: Buffer = Buffer.alloc(BUFFER)
  #used = 0

  constructor(fd: number, position: number) {
    this.#fd = fd
    this.position = position
  }

  /** Makes room for `length` bytes (at most 1 MiB) of zeros, and returns their offset in `buffer`. */
  reserve(length: number): number {
    if (this.#used + length > BUFFER) this.flush()
    const at = this.#used
    this.buffer.fill(0, at, at + length)
    this.#used += length
    this.position += length
    return at
  }

  /** Fills up with zeros to a place in the file. */
  zerosTo(position: number): void {
    while (this.position < position) this.reserve(Math.min(position - this.position, BUFFER))
  }

  write(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at += BUFFER) {
      const piece = bytes.subarray(at, at + BUFFER)
      piece.copy(this.buffer, this.reserve(piece.length))
    }
  }

  flush(): void {
    const bytes = this.buffer.subarray(0, this.#used)
    this.checksum = zlib.crc32(bytes, this.checksum)
    writeAll(this.#fd, bytes, this.position - this.#used)
    this.#used = 0
  }
}
