import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { fail, messageOf } from '../core/index.ts'
import { SCHEMA, SCHEMA_VERSION } from './schema.ts'

/** A row as SQLite gives it. */
export type Row = Record<string, unknown>

/** The store's SQLite file. Safe for several processes at once: WAL, and writers take turns for up to 20 seconds. */
export class Database implements Disposable {
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  #inTransaction = false

  constructor(file: string) {
    try {
      this.#db = new DatabaseSync(file, { timeout: 20_000 })
      this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    } catch (cause) {
      throw fail('STORE_UNUSABLE', `cannot open the store's database ${file}: ${messageOf(cause)}`, { cause })
    }
    this.#migrate(file)
  }

  /** The first row, or `undefined`. */
  get<T = Row>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#prepare(sql).get(...values) as T | undefined
  }

  all<T = Row>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#prepare(sql).all(...values) as T[]
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#prepare(sql).run(...values).changes)
  }

  /** All or nothing, and alone: other writers wait. Nested calls join the outer one. Must not be asynchronous. */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work()
    this.#db.exec('BEGIN IMMEDIATE')
    this.#inTransaction = true
    try {
      const result = work()
      this.#db.exec('COMMIT')
      return result
    } catch (error) {
      this.#db.exec('ROLLBACK')
      throw error
    } finally {
      this.#inTransaction = false
    }
  }

  /**
   * A transaction that has reached the disk, with all earlier ones, when this returns: for what a user is told is
   * saved. (WAL mode: `FULL` syncs the log at commit, `NORMAL` only at checkpoints.)
   */
  durably<T>(work: () => T): T {
    if (this.#inTransaction) return work()
    this.#db.exec('PRAGMA synchronous = FULL')
    try {
      return this.transaction(work)
    } finally {
      this.#db.exec('PRAGMA synchronous = NORMAL')
    }
  }

  close(): void {
    if (this.#db.isOpen) this.#db.close()
  }

  [Symbol.dispose](): void {
    this.close()
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #migrate(file: string): void {
    const version = (): number => this.get<{ user_version: number }>('PRAGMA user_version')!.user_version
    if (version() === SCHEMA_VERSION) return
    this.transaction(() => {
      const found = version()
      if (found > SCHEMA_VERSION) {
        throw fail(
          'STORE_TOO_NEW',
          `${file} was written by a newer Slipway (schema ${found}, this one knows ${SCHEMA_VERSION})`,
          {
            hint: 'use that version, or name another folder with --root or SLIPWAY_ROOT',
          },
        )
      }
      if (found === 0) this.#db.exec(SCHEMA)
      this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    })
  }
}
