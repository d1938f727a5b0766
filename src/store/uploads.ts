import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { type Digest, digestHex, digestOf, type Job } from '../core/index.ts'
import { type FileLock, lock, tryLock } from '../host/index.ts'
import type { UnfinishedUpload, UploadJournal } from '../registry/index.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'

/** An upload as lists show it. */
export interface ListedUpload extends UnfinishedUpload {
  /** When it was last heard of. */
  changedAt: Date
  /** Whether a process is at it now. */
  isActive: boolean
}

/** Uploads to registries that were cut off, for the next process to go on with. */
export class UploadStore implements UploadJournal {
  readonly #db: Database
  readonly #layout: StoreLayout

  constructor(db: Database, layout: StoreLayout) {
    this.#db = db
    this.#layout = layout
  }

  find(repository: string, digest: Digest): UnfinishedUpload | undefined {
    const sql = 'SELECT * FROM uploads WHERE repository = ? AND digest = ?'
    const row = this.#db.get<UploadRow>(sql, repository, digest)
    return row && fromRow(row)
  }

  save({ repository, digest, location, offset, size }: UnfinishedUpload): void {
    const values = [repository, digest, location, offset, size, Date.now()]
    this.#db.run('INSERT OR REPLACE INTO uploads VALUES (?, ?, ?, ?, ?, ?)', ...values)
  }

  forget(repository: string, digest: Digest): void {
    this.#db.run('DELETE FROM uploads WHERE repository = ? AND digest = ?', repository, digest)
  }

  /** The kernel gives the claim up when its holder dies. */
  async claim(repository: string, digest: Digest, waiting: () => void, job: Job): Promise<FileLock> {
    const file = this.#lockFile(repository, digest)
    const free = tryLock(file)
    if (free) return free
    waiting()
    return lock(file, {}, job)
  }

  /** All of them, oldest first. */
  list(): ListedUpload[] {
    const rows = this.#db.all<UploadRow>('SELECT * FROM uploads ORDER BY saved_at, repository, digest')
    return rows.map((row) => {
      const held = tryLock(this.#lockFile(row.repository, row.digest))
      held?.release()
      return { ...fromRow(row), changedAt: new Date(row.saved_at), isActive: held === undefined }
    })
  }

  /** Forgets an upload that nobody is at; false when a process is. */
  remove(repository: string, digest: Digest): boolean {
    const held = tryLock(this.#lockFile(repository, digest))
    if (!held) return false
    this.forget(repository, digest)
    held.release()
    return true
  }

  /** Forgets what nobody has gone on with for `milliseconds`: no registry keeps it for ever. */
  forgetOlder(milliseconds: number): void {
    this.#db.run('DELETE FROM uploads WHERE saved_at < ?', Date.now() - milliseconds)
  }

  #lockFile(repository: string, digest: Digest): string {
    mkdirSync(this.#layout.locks, { recursive: true, mode: 0o700 })
    return path.join(this.#layout.locks, `upload-${digestHex(digestOf(`${repository} ${digest}`))}`)
  }
}

interface UploadRow {
  repository: string
  digest: Digest
  location: string
  sent: number
  size: number
  saved_at: number
}

function fromRow({ repository, digest, location, sent, size }: UploadRow): UnfinishedUpload {
  return { repository, digest, location, offset: sent, size }
}
