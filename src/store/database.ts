import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { fail, messageOf } from '../core/index.ts'
import { SCHEMA, SCHEMA_VERSION } from './schema.ts'

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
  readonly #statements = new Map<string, StatementSync>()
  #inTransaction = false

  constructor(file: string) {
    try {
      this.#db = new DatabaseSync(file, { timeout: PATIENCE })
      withPatience(() => this.#db.exec('PRAGMA journal_mode = WAL'))
      this.#db.exec('PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    } catch (cause) {
      const known = explain(cause)
      if (known !== cause) throw known
      throw fail('STORE_UNUSABLE', `cannot open the store's database ${file}: ${messageOf(cause)}`, { cause })
    }
    this.#migrate(file)
  }

  /** The first row, or `undefined`. */
  get<T = Row>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return explained(() => this.#prepare(sql).get(...values)) as T | undefined
  }

  all<T = Row>(sql: string, ...values: SQLInputValue[]): T[] {
    return explained(() => this.#prepare(sql).all(...values)) as T[]
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(explained(() => this.#prepare(sql).run(...values)).changes)
  }

  /** All or nothing, and alone: other writers wait. Nested calls join the outer one. Must not be asynchronous. */
  transaction<T>(work: () => T): T {
    if (this.#inTransaction) return work()
    explained(() => this.#db.exec('BEGIN IMMEDIATE'))
    this.#inTransaction = true
    try {
      const result = work()
      explained(() => this.#db.exec('COMMIT'))
      return result
    } catch (error) {
      // on some errors, such as a full disk, SQLite has rolled back by itself
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
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

/** SQLite's result codes (sqlite.org/rescode.html), as far as they say something about the machine. */
const BUSY = 5
const FULL = 13
const DAMAGED = [11, 26]
const FAILED = [8, 10, 14]

function explained<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw explain(error)
  }
}

function explain(error: unknown): unknown {
  const { code, errcode } = error as { code?: string; errcode?: number }
  if (code !== 'ERR_SQLITE_ERROR' || errcode === undefined) return error
  const primary = errcode & 0xff
  const message = `the store's database: ${messageOf(error)}`
  if (primary === BUSY) return fail('STORE_BUSY', `${message}: other processes kept it busy`, { cause: error })
  if (primary === FULL) return fail('DISK_FULL', message, { cause: error, hint: 'free some space on its disk.' })
  if (DAMAGED.includes(primary)) return fail('STORE_DAMAGED', message, { cause: error })
  if (FAILED.includes(primary)) return fail('DISK_FAILED', message, { cause: error })
  return error
}

/** SQLite does not wait by itself when several processes turn a new file to WAL at once. */
function withPatience(work: () => void): void {
  for (let waited = 0; ; waited += 10) {
    try {
      work()
      return
    } catch (error) {
      const isBusy = ((error as { errcode?: number }).errcode ?? 0) % 256 === BUSY
      if (!isBusy || waited >= PATIENCE) throw error
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
    }
  }
}
