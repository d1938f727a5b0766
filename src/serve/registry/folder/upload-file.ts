import { truncateSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Bytes, createDigester, type Digest, type DigestAlgorithm, type Digester } from '../../../core/index.ts'
import { refuse } from '../failure.ts'

/** Bytes that are gathered before they are written. With writes of 1 MiB the kernel needs five times the CPU time (ext4, Linux 6). */
const BATCH = 1 << 18

/** The file that an upload grows in, with the digest of what is in it, computed as it passes. */
export class UploadFile {
  readonly path: string
  readonly algorithm: DigestAlgorithm
  #size: number
  #digester: Digester | undefined

  constructor(path: string, options: { size: number; algorithm: DigestAlgorithm }) {
    this.path = path
    this.algorithm = options.algorithm
    this.#size = options.size
    if (options.size === 0) this.#digester = createDigester(options.algorithm)
  }

  /** Bytes that have arrived. */
  get size(): number {
    return this.#size
  }

  /** Adds bytes at the end. When the stream breaks, what came before stays, and the error is passed on. */
  async append(bytes: Bytes, limit: number): Promise<void> {
    const digester = await this.#running()
    const file = await open(this.path, this.#size === 0 ? 'w' : 'r+', 0o600)
    const writer = new BatchWriter(file, { at: this.#size, digester })
    try {
      for await (const chunk of bytes) {
        if (this.#size + chunk.length > limit) throw refuse('SIZE_INVALID', `more than ${limit} bytes`, { status: 413 })
        this.#size += chunk.length
        const writing = writer.write(chunk)
        if (writing) await writing
      }
    } finally {
      await this.#finish(writer, file)
    }
  }

  /** Brings what is there to the disk. */
  async sync(): Promise<void> {
    const file = await open(this.path, this.#size === 0 ? 'a' : 'r+', 0o600)
    try {
      await file.datasync()
    } finally {
      await file.close()
    }
  }

  /** The digest of all bytes. Ends the computation: a later append would have to read everything again. */
  async digest(algorithm: DigestAlgorithm): Promise<Digest> {
    const digester = algorithm === this.algorithm ? await this.#running() : await this.#hash(algorithm)
    this.#digester = undefined
    return digester.digest()
  }

  async #finish(writer: BatchWriter, file: FileHandle): Promise<void> {
    try {
      await writer.flush()
    } catch (error) {
      // a full disk: the digest has seen more than the file holds
      this.#size = writer.written
      this.#digester = undefined
      truncateSync(this.path, writer.written)
      throw error
    } finally {
      writer.release()
      await file.close()
    }
  }

  async #running(): Promise<Digester> {
    this.#digester ??= await this.#hash(this.algorithm)
    return this.#digester
  }

  async #hash(algorithm: DigestAlgorithm): Promise<Digester> {
    const digester = createDigester(algorithm)
    if (this.#size === 0) return digester
    const file = await open(this.path, 'r')
    try {
      const buffer = Buffer.allocUnsafe(BATCH)
      for (let at = 0; at < this.#size; ) {
        const { bytesRead } = await file.read(buffer, 0, Math.min(BATCH, this.#size - at), at)
        if (bytesRead === 0) throw refuse('BLOB_UPLOAD_INVALID', 'the upload lost bytes', { detail: { at } })
        digester.update(buffer.subarray(0, bytesRead))
        at += bytesRead
      }
    } finally {
      await file.close()
    }
    return digester
  }
}

/** Buffers that no upload uses at the moment; a few are kept. */
const spare: Buffer[] = []
const MOST_SPARE = 8

/**
 * Gathers small chunks in two large buffers that take turns: one is digested and written while the other fills. Copying
 * costs less than what many small buffers in flight cost the garbage collector.
 */
class BatchWriter {
  readonly #file: FileHandle
  readonly #digester: Digester
  #filling: Buffer = takeBuffer()
  #writingFrom: Buffer = takeBuffer()
  #filled = 0
  #at: number
  #writing: Promise<void> | undefined
  /** Offset up to which the file is written. */
  written: number

  constructor(file: FileHandle, { at, digester }: { at: number; digester: Digester }) {
    this.#file = file
    this.#digester = digester
    this.#at = at
    this.written = at
  }

  /** Takes a chunk; its memory is free for other use when the call, or the promise where there is one, is done. */
  write(chunk: Uint8Array): Promise<void> | undefined {
    if (chunk.length < BATCH - this.#filled) {
      this.#filling.set(chunk, this.#filled)
      this.#filled += chunk.length
      return undefined
    }
    return this.#spill(chunk)
  }

  async flush(): Promise<void> {
    await this.#turn()
    await this.#writing
  }

  /** Gives the buffers to the next upload; call it last. */
  release(): void {
    for (const buffer of [this.#filling, this.#writingFrom]) if (spare.length < MOST_SPARE) spare.push(buffer)
  }

  async #spill(chunk: Uint8Array): Promise<void> {
    for (let rest = chunk; rest.length > 0; ) {
      const part = rest.subarray(0, BATCH - this.#filled)
      this.#filling.set(part, this.#filled)
      this.#filled += part.length
      rest = rest.subarray(part.length)
      if (this.#filled === BATCH) await this.#turn()
    }
  }

  /** Waits until the other buffer is written, then begins to write this one. */
  async #turn(): Promise<void> {
    await this.#writing
    if (this.#filled === 0) return
    const bytes = this.#filling.subarray(0, this.#filled)
    const at = this.#at
    const other = this.#writingFrom
    this.#writingFrom = this.#filling
    this.#filling = other
    this.#at += this.#filled
    this.#filled = 0
    this.#writing = this.#writeAll(bytes, at)
    // whoever waits for it next gets the error; until then it is not an unhandled one
    this.#writing.catch(() => {})
    // digesting runs here while a thread writes
    this.#digester.update(bytes)
  }

  async #writeAll(bytes: Uint8Array, start: number): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      const { bytesWritten } = await this.#file.write(bytes, done, bytes.length - done, start + done)
      done += bytesWritten
      this.written = start + done
    }
  }
}

function takeBuffer(): Buffer {
  return spare.pop() ?? Buffer.allocUnsafeSlow(BATCH)
}
