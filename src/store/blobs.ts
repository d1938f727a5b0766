import { randomBytes } from 'node:crypto'
import {
  closeSync,
  existsSync,
  fsync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'
import {
  type ByteRange,
  type Bytes,
  checkCanceled,
  createDigester,
  createPacer,
  type Digest,
  digestOf,
  errnoOf,
  fail,
  type Job,
} from '../core/index.ts'
import { syncFolder } from '../host/index.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'
import type { Lease } from './leases.ts'

const CHUNK = 1 << 20
const PASSING = 256 << 10

/** Content by digest, as files of an OCI layout. Written under a temporary name, synced, renamed; never changed. */
export class BlobStore {
  readonly #layout: StoreLayout
  readonly #db: Database

  constructor(layout: StoreLayout, db: Database) {
    this.#layout = layout
    this.#db = db
  }

  path(digest: Digest): string {
    return this.#layout.blob(digest)
  }

  has(digest: Digest): boolean {
    return existsSync(this.path(digest))
  }

  /** Bytes of the blob, or `undefined` when it is not there. */
  size(digest: Digest): number | undefined {
    return statSync(this.path(digest), { throwIfNoEntry: false })?.size
  }

  /** A small blob, whole. Fails with `BLOB_NOT_FOUND`. */
  readWhole(digest: Digest): Buffer {
    try {
      return readFileSync(this.path(digest))
    } catch (cause) {
      throw missing(digest, cause)
    }
  }

  /** The blob's bytes. Fails with `BLOB_NOT_FOUND`. */
  async *read(digest: Digest, range: ByteRange = { start: 0 }, job?: Job): Bytes {
    const file = await open(this.path(digest)).catch((cause) => {
      throw missing(digest, cause)
    })
    try {
      const end = range.end ?? Number.POSITIVE_INFINITY
      for (let at = range.start; at < end; ) {
        if (job) checkCanceled(job)
        const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
        const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
        if (bytesRead === 0) return
        at += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    } finally {
      await file.close()
    }
  }

  /** The same for who is done with each chunk when it asks for the next: they share their memory. */
  async *readPassing(digest: Digest, job?: Job): Bytes {
    const fd = this.#openFile(digest)
    try {
      const buffer = Buffer.allocUnsafe(PASSING)
      for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer)) {
        if (job) checkCanceled(job)
        yield buffer.subarray(0, count)
      }
    } finally {
      closeSync(fd)
    }
  }

  #openFile(digest: Digest): number {
    try {
      return openSync(this.path(digest), 'r')
    } catch (cause) {
      throw missing(digest, cause)
    }
  }

  /** A fresh path in the lease's folder. */
  temporary(lease: Lease): string {
    return path.join(lease.folder, randomBytes(8).toString('hex'))
  }

  /** Stores bytes that are in memory, under their digest. */
  writeWhole(bytes: Uint8Array, lease: Lease, digest: Digest = digestOf(bytes)): Digest {
    lease.hold([digest])
    if (this.has(digest)) return digest
    const temporary = this.temporary(lease)
    const fd = openSync(temporary, 'wx', 0o600)
    try {
      writeAll(fd, bytes)
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    this.adopt(temporary, digest, bytes.length, lease)
    return digest
  }

  /** Writes a stream to a temporary file that has reached the disk; the caller checks and adopts it. */
  async writeTemporary(bytes: Bytes, lease: Lease, job: Job): Promise<{ path: string; digest: Digest; size: number }> {
    const target = this.temporary(lease)
    const digester = createDigester()
    const fd = openSync(target, 'wx', 0o600)
    const pace = createPacer()
    let size = 0
    try {
      for await (const chunk of bytes) {
        checkCanceled(job)
        digester.update(chunk)
        writeAll(fd, chunk)
        size += chunk.length
        await pace()
      }
      await fsyncFile(fd)
    } catch (error) {
      rmSync(target, { force: true })
      throw error
    } finally {
      closeSync(fd)
    }
    return { path: target, digest: digester.digest(), size }
  }

  /** Makes a finished, synced temporary file the blob of this digest. The caller has verified it. */
  adopt(temporary: string, digest: Digest, size: number, lease: Lease): void {
    lease.hold([digest])
    const target = this.path(digest)
    renameSync(temporary, target)
    syncFolder(path.dirname(target))
    this.#db.run('INSERT OR IGNORE INTO blobs VALUES (?, ?, ?)', digest, size, Date.now())
  }
}

const fsyncFile: (fd: number) => Promise<void> = promisify(fsync)

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

function missing(digest: Digest, cause: unknown): Error {
  if (errnoOf(cause) !== 'ENOENT') return cause as Error
  return fail('BLOB_NOT_FOUND', `content ${digest} is not in the store`, { cause })
}
