import { closeSync, fstatSync, fsync, fsyncSync, ftruncateSync, openSync, readSync, rmSync, writeSync } from 'node:fs'
import type { Bytes } from '../core/index.ts'

/** Bytes between two times that they are brought to the disk. */
const SYNC_EVERY = 32 << 20
const CHUNK = 1 << 20

/** The beginning of a blob, to go on with. */
export class PartialFile implements Disposable {
  readonly path: string
  readonly #fd: number
  #size: number
  #unsynced = 0
  #syncing = false
  #open = true

  /** What is longer than the whole can be is no beginning of it. */
  constructor(file: string, whole: number) {
    this.path = file
    this.#fd = openSync(file, 'a+', 0o600)
    this.#size = fstatSync(this.#fd).size
    if (this.#size > whole) this.restart()
  }

  /** Bytes that are here. */
  get size(): number {
    return this.#size
  }

  append(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; ) {
      const written = writeSync(this.#fd, chunk, at)
      at += written
      this.#size += written
    }
    this.#unsynced += chunk.length
    if (this.#unsynced >= SYNC_EVERY) this.#startSync()
  }

  /** The first `end` bytes. */
  async *read(end: number): Bytes {
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end))
    for (let at = 0; at < end; ) {
      const count = readSync(this.#fd, buffer, 0, Math.min(buffer.length, end - at), at)
      if (count === 0) return
      at += count
      yield Buffer.from(buffer.subarray(0, count))
    }
  }

  /** Begins anew, with nothing. */
  restart(): void {
    ftruncateSync(this.#fd, 0)
    this.#size = 0
  }

  /** Brings all of it to the disk. */
  sync(): void {
    fsyncSync(this.#fd)
  }

  /** Takes the file away; what was open of it can still be used. */
  remove(): void {
    rmSync(this.path, { force: true })
  }

  [Symbol.dispose](): void {
    if (!this.#open) return
    this.#open = false
    if (!this.#syncing) closeSync(this.#fd)
  }

  /** Beside the transfer: it does not wait for the disk. What fails here fails again at the end. */
  #startSync(): void {
    this.#unsynced = 0
    if (this.#syncing) return
    this.#syncing = true
    fsync(this.#fd, () => {
      this.#syncing = false
      if (!this.#open) closeSync(this.#fd)
    })
  }
}
