import type { ByteString } from '../core/index.ts'

/** The files that are scanned: an image's `FileTree`, or anything that can list and read like one. */
export interface Files {
  /** Everything, folders before what is in them, in a fixed order. */
  walk(): Iterable<FileEntry>
  /** A file at once, symlinks followed; `undefined` when there is none. Fails for one that is larger. */
  readFile(path: ByteString, maxBytes: number): Uint8Array | undefined
}

/** What a scan needs to know of a file. */
export interface FileEntry {
  readonly path: ByteString
  readonly kind: string
}

/** Reads files for catalogers and keeps account: what is too large or cannot be read becomes a problem, not a failure. */
export class FileReader {
  readonly #files: Files
  readonly #problem: (path: ByteString, why: unknown) => void
  #left = MOST_BYTES

  constructor(files: Files, problem: (path: ByteString, why: unknown) => void) {
    this.#files = files
    this.#problem = problem
  }

  /** Text of a file as UTF-8; `undefined` when it is missing or was not read. */
  text(path: ByteString, maxBytes: number): string | undefined {
    return this.bytes(path, maxBytes)?.toString('utf8')
  }

  /** The same as bytes. */
  bytes(path: ByteString, maxBytes: number): Buffer | undefined {
    if (this.#left <= 0) return undefined
    try {
      const bytes = this.#files.readFile(path, Math.min(maxBytes, this.#left))
      if (!bytes) return undefined
      this.#left -= bytes.length
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    } catch (error) {
      this.#problem(path, error)
      return undefined
    }
  }
}

/** Bytes that one scan reads at most, 512 MiB: the databases of the largest images have some 30 MiB. */
const MOST_BYTES = 512 << 20
