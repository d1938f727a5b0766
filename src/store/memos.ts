import type { Database } from './database.ts'

/** Answers that cost something to find and can be found again. Losing one is never an error. */
export class MemoStore {
  readonly #db: Database

  constructor(db: Database) {
    this.#db = db
  }

  get(kind: string, key: string): Uint8Array | undefined {
    const row = this.#db.get<{ value: Uint8Array }>('SELECT value FROM memos WHERE kind = ? AND key = ?', kind, key)
    return row?.value
  }

  getText(kind: string, key: string): string | undefined {
    const value = this.get(kind, key)
    return value === undefined ? undefined : Buffer.from(value).toString('utf8')
  }

  set(kind: string, key: string, value: Uint8Array | string): void {
    const bytes = typeof value === 'string' ? Buffer.from(value) : value
    this.#db.run('INSERT OR REPLACE INTO memos VALUES (?, ?, ?, ?)', kind, key, bytes, Date.now())
  }

  /** All answers of one kind: their keys, how large they are, and when they were written (Unix milliseconds). */
  list(kind: string): { key: string; bytes: number; writtenAt: number }[] {
    const sql = 'SELECT key, length(value) AS bytes, used_at AS writtenAt FROM memos WHERE kind = ? ORDER BY key'
    return this.#db.all<{ key: string; bytes: number; writtenAt: number }>(sql, kind)
  }

  forget(kind: string, key: string): void {
    this.#db.run('DELETE FROM memos WHERE kind = ? AND key = ?', kind, key)
  }

  /** Forgets answers of one kind that were written longer ago than `milliseconds`. */
  forgetOlder(kind: string, milliseconds: number): void {
    this.#db.run('DELETE FROM memos WHERE kind = ? AND used_at < ?', kind, Date.now() - milliseconds)
  }

  /** Forgets the answers of one kind that were written first, until the rest takes no more than this many bytes. */
  forgetBeyond(kind: string, bytes: number): void {
    const sums = 'SELECT key, sum(length(value)) OVER (ORDER BY used_at DESC, key) AS total FROM memos WHERE kind = ?'
    const surplus = `SELECT key FROM (${sums}) WHERE total > ?`
    this.#db.run(`DELETE FROM memos WHERE kind = ? AND key IN (${surplus})`, kind, kind, bytes)
  }
}
