import { closeSync, fsyncSync, openSync } from 'node:fs'
import { createDigester, type Digest, type Digester } from '../../core/index.ts'
import { writeAll } from '../write-all.ts'
import { TAR_END } from './encode.ts'
import { paddingOf } from './parser.ts'

const BUFFER = 1 << 20
const ZEROS = Buffer.alloc(512)

/** An archive that is being written to a file, through one buffer, with the digest of all that passes. */
export class TarFile {
  readonly #fd: number
  readonly #digester: Digester = createDigester()
  readonly #buffer: Buffer = Buffer.allocUnsafe(BUFFER)
  #used = 0
  #flushed = 0
  #open = true

  constructor(path: string) {
    this.#fd = openSync(path, 'w', 0o600)
  }

  /** Bytes so far. */
  get size(): number {
    return this.#flushed + this.#used
  }

  append(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const piece = bytes.subarray(at, at + this.#room())
      this.#buffer.set(piece, this.#used)
      this.#used += piece.length
      at += piece.length
    }
  }

  /**
   * Appends up to `size` bytes that `read` puts into a buffer, as read(2) does: it says how many these are, 0 at the
   * end. It is asked for one byte more than is left, so that a source that has more shows.
   * Returns how many bytes there were, at most one more than `size`.
   */
  appendFrom(size: number, read: (buffer: Buffer, at: number, length: number, done: number) => number): number {
    for (let done = 0; ; ) {
      const left = size - done
      const room = this.#room()
      const asked = Math.min(room, left + 1)
      const count = read(this.#buffer, this.#used, asked, done)
      if (count > left) return size + 1
      this.#used += count
      done += count
      // A read that gives less than it could has met the end.
      if (count === 0 || (left === count && asked > left)) return done
    }
  }

  /** Fills up the last block of a body of `size` bytes. */
  pad(size: number): void {
    this.append(ZEROS.subarray(0, paddingOf(size)))
  }

  /** Ends the archive and brings it to the disk. */
  finish(): { diffId: Digest; size: number } {
    this.append(TAR_END)
    this.#flush()
    fsyncSync(this.#fd)
    this.close()
    return { diffId: this.#digester.digest(), size: this.#flushed }
  }

  close(): void {
    if (this.#open) closeSync(this.#fd)
    this.#open = false
  }

  #room(): number {
    if (this.#used === BUFFER) this.#flush()
    return BUFFER - this.#used
  }

  #flush(): void {
    const bytes = this.#buffer.subarray(0, this.#used)
    writeAll(this.#fd, bytes, null)
    this.#digester.update(bytes)
    this.#flushed += this.#used
    this.#used = 0
  }
}
