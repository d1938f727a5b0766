import { mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { type Digest, digestHex, errnoOf, isDigest, type Job, silentJob } from '../core/index.ts'
import { type FileLock, lock, tryLock } from '../host/index.ts'
import type { StoreLayout } from './layout.ts'
import { PartialFile } from './partial-file.ts'

/** A blob that has come in partly. */
export interface PartialBlob {
  digest: Digest
  /** Bytes that are here. */
  bytes: number
  /** Bytes of the whole, as its descriptor says. */
  size: number
  changedAt: Date
  /** Whether it is coming in now. */
  isActive: boolean
}

const DAY = 86_400_000
/** So long an unfinished blob waits for its rest. */
export const TRANSFER_AGE: number = 7 * DAY

/**
 * Blobs that are coming in, each in a file that outlives the process that writes it. One process at a time writes a
 * blob: it holds a lock that the kernel gives up when it dies.
 */
export class TransferStore {
  readonly #layout: StoreLayout

  constructor(layout: StoreLayout) {
    this.#layout = layout
  }

  /** Waits until nobody else brings this blob; `waiting` is called when somebody does. The job can stop the waiting. */
  async claim(digest: Digest, waiting: () => void, job: Job = silentJob): Promise<FileLock> {
    const file = this.#lockFile(digest)
    const free = tryLock(file)
    if (free) return free
    waiting()
    return lock(file, {}, job)
  }

  /** Opens the file of a blob, made where missing; whoever calls it has claimed the blob. */
  open(blob: { digest: Digest; size: number }): PartialFile {
    mkdirSync(this.#layout.transfers, { recursive: true, mode: 0o700 })
    const file = path.join(this.#layout.transfers, nameOf(blob))
    return new PartialFile(file, blob.size)
  }

  /** What is unfinished, oldest first. */
  list(): PartialBlob[] {
    const found = this.#files().flatMap(({ digest, size, file }) => {
      const stat = statSync(file, { throwIfNoEntry: false })
      const held = stat && tryLock(this.#lockFile(digest))
      held?.release()
      return stat ? [{ digest, size, bytes: stat.size, changedAt: stat.mtime, isActive: held === undefined }] : []
    })
    return found.sort((a, b) => a.changedAt.getTime() - b.changedAt.getTime())
  }

  /** Forgets what has come of a blob; how many bytes that were, or `undefined` when it is coming in now. */
  remove(digest: Digest): number | undefined {
    const held = tryLock(this.#lockFile(digest))
    if (!held) return undefined
    try {
      let bytes = 0
      for (const each of this.#files()) if (each.digest === digest) bytes += removeFile(each.file)
      return bytes
    } finally {
      held.release()
    }
  }

  /** Forgets what nobody has gone on with for `milliseconds`; how many bytes that were. */
  sweep(milliseconds: number = TRANSFER_AGE): number {
    const now = Date.now()
    const old = this.list().filter(({ changedAt, isActive }) => !isActive && now - changedAt.getTime() > milliseconds)
    return old.reduce((sum, { digest }) => sum + (this.remove(digest) ?? 0), 0)
  }

  #files(): { digest: Digest; size: number; file: string }[] {
    return namesIn(this.#layout.transfers).flatMap((name) => {
      const [algorithm = '', hex = '', size = ''] = name.split(/[-.]/)
      const digest = `${algorithm}:${hex}`
      return isDigest(digest) ? [{ digest, size: Number(size), file: path.join(this.#layout.transfers, name) }] : []
    })
  }

  /** Beside those of steps: gone after a reboot, and when nothing is under way. */
  #lockFile(digest: Digest): string {
    mkdirSync(this.#layout.locks, { recursive: true, mode: 0o700 })
    return path.join(this.#layout.locks, `transfer-${digestHex(digest)}`)
  }
}

const nameOf = ({ digest, size }: { digest: Digest; size: number }): string => `${digest.replace(':', '-')}.${size}`

function removeFile(file: string): number {
  const size = statSync(file, { throwIfNoEntry: false })?.size ?? 0
  rmSync(file, { force: true })
  return size
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
