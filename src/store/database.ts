import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { fail, hasCode, withDiskCode } from '../core/index.ts'
import type { Reserve } from '../host/index.ts'
import { explain, isBusy } from './database-errors.ts'
import { MIGRATIONS, SCHEMA_VERSION } from './schema.ts'

/** A row as SQLite gives it. */
export type Row = Record<string, unknown>

/** Milliseconds that a writer waits for its turn. */
const PATIENCE = 20_000

/**
 * The store's SQLite file. Safe for several processes at once: WAL, and writers take turns for up to 20 seconds.
 * Errors that come from outside have a code: `DISK_FULL`, `DISK_FAILED`, `STORE_BUSY`, `STORE_DAMAGED`.
 *
 * What a power failure leaves: a transaction is there whole or not at all, and in order, so rows never point to rows
 * that are lost. Files are synced before the row that says they are there, so a row never points to bytes that are
 * lost; the reverse, a file without a row, is what collection sweeps. Only `durably` promises that a change is there
 * afterwards; with the others the last seconds may be gone, which costs work but no image: leases (their holders are
 * gone too), build steps and memos (done again), links and layer records (written again by the next import; an image is
 * put `durably`, which brings all earlier transactions to the disk first).
 */
export class Database implements Disposable {
  readonly #db: DatabaseSync
  readonly #file: string
  readonly #reserve: Reserve | undefined
  readonly #statements = new Map<string, StatementSync>()
  #inTransaction = false

  /** `reserve` is space to use when the disk is full. */
  constructor(file: string, reserve?: Reserve) {
    this.#file = file
    this.#reserve = reserve
    this.#db = this.#withReserve(() => open(file))
    this.#migrate()
    reserve?.keep()
  }

  /** The first row, or `undefined`. */
  get<T = Row>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#explained(() => this.#prepare(sql).get(...values)) as T | undefined
  }

  all<T = Row>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.#explained(() => this.#prepare(sql).all(...values)) as T[]
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#explained(() => this.#prepare(sql).run(...values)).changes)
  }

  /** Whether a transaction is under way. */
  get inTransaction(): boolean {
    return this.#inTransaction
  }

  /**
   * All or nothing, and alone: other writers wait. Nested calls join the outer one. Must not be asynchronous, and may be
   * called twice: on a full disk, again with the space that was set aside.
   */
  transaction<T>(work: () => T): T {
    return this.#inTransaction ? work() : this.#withReserve(() => this.#transact(work))
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

  #transact<T>(work: () => T): T {
    this.#explained(() => this.#db.exec('BEGIN IMMEDIATE'))
    this.#inTransaction = true
    try {
      const result = work()
      this.#explained(() => this.#db.exec('COMMIT'))
      return result
    } catch (error) {
      // on some errors, such as a full disk, SQLite has rolled back by itself
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    } finally {
      this.#inTransaction = false
    }
  }

  #withReserve<T>(work: () => T): T {
    try {
      return this.#explained(work)
    } catch (error) {
      if (!hasCode(withDiskCode(error), 'DISK_FULL') || !this.#reserve?.giveUp()) throw error
      return this.#explained(work)
    }
  }

  /** Errors of SQLite that say something about the machine get a code. */
  #explained<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw explain(error, this.#file)
    }
  }

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  #migrate(): void {
    const version = (): number => this.get<{ user_version: number }>('PRAGMA user_version')!.user_version
    if (version() === SCHEMA_VERSION) return
    this.transaction(() => {
      const found = version()
      if (found > SCHEMA_VERSION) {
        throw fail(
          'STORE_TOO_NEW',
          `${this.#file} was written by a newer Slipway (schema ${found}, this one knows ${SCHEMA_VERSION})`,
          {
            hint: 'use that version, or name another folder with --root or SLIPWAY_ROOT',
          },
        )
      }
      for (const step of MIGRATIONS.slice(found)) this.#db.exec(step)
      this.#db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`)
    })
  }
}

function open(file: string): DatabaseSync {
  const db = new DatabaseSync(file, { timeout: PATIENCE })
  try {
    withPatience(() => db.exec('PRAGMA journal_mode = WAL'))
    db.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** SQLite does not wait by itself when several processes turn a new file to WAL at once. */
function withPatience(work: () => void): void {
  for (let waited = 0; ; waited += 10) {
    try {
      work()
      return
    } catch (error) {
      if (!isBusy(error) || waited >= PATIENCE) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}
