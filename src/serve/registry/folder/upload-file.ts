import { truncateSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type Bytes, createDigester, type Digest, type DigestAlgorithm, type Digester } from '../../../core/index.ts'
import { refuse } from '../failure.ts'

/** Bytes that are gathered before they are written. */
const BATCH = 1 << 20

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

  get size(): number {
    return this.#size
  }

  /** Adds bytes at the end. When the stream breaks, what came before stays, and the error is passed on. */
  async append(bytes: Bytes, limit: number): Promise<void> {
    const digester = await this.#running()
    const file = await open(this.path, this.#size === 0 ? 'w' : 'r+', 0o600)
    const writer = new BatchWriter(file, this.#size)
    try {
      for await (const chunk of bytes) {
        if (this.#size + chunk.length > limit) throw refuse('SIZE_INVALID', `more than ${limit} bytes`, { status: 413 })
        digester.update(chunk)
        this.#size += chunk.length
        await writer.write(chunk)
      }
    } finally {
      await this.#finish(writer, file)
    }
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
      await file.close()
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

/** Writes in large pieces, one of them while the next is gathered. */
class BatchWriter {
  readonly #file: FileHandle
  #chunks: Uint8Array[] = []
  #gathered = 0
  #at: number
  #writing: Promise<void> = Promise.resolve()
  /** Offset up to which the file is written. */
  written: number

  constructor(file: FileHandle, at: number) {
    this.#file = file
    this.#at = at
    this.written = at
  }

  async write(chunk: Uint8Array): Promise<void> {
    this.#chunks.push(chunk)
    this.#gathered += chunk.length
    if (this.#gathered < BATCH) return
    await this.#writing
    this.#start()
  }

  async flush(): Promise<void> {
    await this.#writing
    if (this.#gathered > 0) this.#start()
    await this.#writing
  }

  #start(): void {
    const chunks = this.#chunks
    const at = this.#at
    this.#at += this.#gathered
    this.#chunks = []
    this.#gathered = 0
    this.#writing = this.#writeAll(chunks, at)
    // whoever waits for it next gets the error; until then it is not an unhandled one
    this.#writing.catch(() => {})
  }

  async #writeAll(chunks: Uint8Array[], start: number): Promise<void> {
    let rest = chunks
    for (let at = start; rest.length > 0; ) {
      const { bytesWritten } = await this.#file.writev(rest, at)
      at += bytesWritten
      this.written = at
      rest = after(rest, bytesWritten)
    }
  }
}

/** The chunks without their first bytes; a write may be short. */
function after(chunks: Uint8Array[], bytes: number): Uint8Array[] {
  let skip = bytes
  for (const [i, chunk] of chunks.entries()) {
    if (skip < chunk.length) return [chunk.subarray(skip), ...chunks.slice(i + 1)]
    skip -= chunk.length
  }
  return []
}
