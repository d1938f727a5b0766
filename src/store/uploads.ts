import type { Digest } from '../core/index.ts'
import type { UnfinishedUpload, UploadJournal } from '../registry/index.ts'
import type { Database } from './database.ts'

/** Uploads to registries that were cut off, for the next process to go on with. */
export class UploadStore implements UploadJournal {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
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

  /** All of them, oldest first, and when each was last heard of. */
  list(): (UnfinishedUpload & { changedAt: Date })[] {
    const rows = this.#db.all<UploadRow>('SELECT * FROM uploads ORDER BY saved_at, repository, digest')
    return rows.map((row) => ({ ...fromRow(row), changedAt: new Date(row.saved_at) }))
  }

  /** Forgets what nobody has gone on with for `milliseconds`: no registry keeps it for ever. */
  forgetOlder(milliseconds: number): void {
    this.#db.run('DELETE FROM uploads WHERE saved_at < ?', Date.now() - milliseconds)
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
