import { closeSync, fdatasync, openSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { fail, hasCode } from '../../../core/index.ts'
import { isDiskFull, Reserve } from '../../../host/index.ts'
import { MIGRATIONS } from './schema.ts'

/** Results of SQLite (sqlite.org/rescode.html): FULL; PERM, READONLY, IOERR, CANTOPEN. */
const FULL = 13
const MAYBE_FULL: ReadonlySet<number> = new Set([3, 8, 10, 14])

const sync = promisify(fdatasync)

/** Milliseconds that a writer waits while another process has the database. */
const PATIENCE = 10_000

/**
 * The registry's tables in SQLite, WAL. A transaction is visible at once and does not wait for the disk; `durable` does,
 * in a thread, once for all that wait at the same time. So changes are as fast as memory, an answer that says "created"
 * waits for the log to be synced, and the event loop never does.
 */
export class RegistryDatabase implements Disposable {
  readonly #file: string
  readonly #reserve: Reserve
  readonly #db: DatabaseSync
  readonly #statements = new Map<string, StatementSync>()
  readonly #log: number
  #syncing: Promise<void> | undefined
  #next: Promise<void> | undefined

  constructor(file: string) {
    this.#file = file
    this.#reserve = new Reserve(path.join(path.dirname(file), 'reserve'))
    this.#db = new DatabaseSync(file, { timeout: PATIENCE })
    // NORMAL syncs the log before each checkpoint, which keeps the database whole after a power failure; that the last
    // transactions are in the log is what `durable` sees to.
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA foreign_keys = ON')
    this.#db.exec('PRAGMA mmap_size = 268435456; PRAGMA cache_size = -16384')
    this.#migrate(file)
    // The log's file stays the same as long as a connection is open, and SQLite holds no lock on it that closing this
    // descriptor could break (those are on the database itself and on -shm).
    this.#log = openSync(`${file}-wal`, 'a+', 0o600)
    this.keepReserve()
  }

  /** Sets space aside for `freeing`, where there is plenty. */
  keepReserve(): void {
    this.#reserve.keep()
  }

  /** The first row, or `undefined`. */
  get<T>(sql: string, ...values: SQLInputValue[]): T | undefined {
    return this.#explained(() => this.statement(sql).get(...values)) as T | undefined
  }

  all<T>(sql: string, ...values: SQLInputValue[]): T[] {
    return this.statement(sql).all(...values) as T[]
  }

  /** Returns how many rows were changed. */
  run(sql: string, ...values: SQLInputValue[]): number {
    return Number(this.#explained(() => this.statement(sql).run(...values)).changes)
  }

  /** A prepared statement, made once. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql)
    if (!statement) {
      statement = this.#db.prepare(sql)
      this.#statements.set(sql, statement)
    }
    return statement
  }

  /** All or nothing. Nested calls join the outer one. Must not be asynchronous. */
  transaction<T>(work: () => T): T {
    if (this.#db.isTransaction) return work()
    this.#explained(() => this.#db.exec('BEGIN IMMEDIATE'))
    try {
      const result = work()
      this.#explained(() => this.#db.exec('COMMIT'))
      return result
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  /**
   * A transaction that makes space, or leads to it: on a full disk it uses what was set aside, which no push may. May be
   * called twice.
   */
  freeing<T>(work: () => T): T {
    if (this.#db.isTransaction) return work()
    try {
      return this.transaction(work)
    } catch (error) {
      if (!hasCode(error, 'DISK_FULL') || !this.#reserve.giveUp()) throw error
      return this.transaction(work)
    }
  }

  /** A transaction that may be left out on a full disk, or after the end: false then. */
  unlessFull(work: () => void): boolean {
    if (!this.#db.isOpen) return false
    if (this.#db.isTransaction) {
      work()
      return true
    }
    try {
      this.transaction(work)
      return true
    } catch (error) {
      if (hasCode(error, 'DISK_FULL')) return false
      throw error
    }
  }

  /** Resolves when everything that was changed before the call has reached the disk. */
  durable(): Promise<void> {
    // a sync that has begun may have missed the latest frames: wait for the one after it, which all others share
    if (!this.#syncing) return this.#sync()
    this.#next ??= this.#syncing.then(
      () => this.#sync(),
      () => this.#sync(),
    )
    return this.#next
  }

  close(): void {
    if (!this.#db.isOpen) return
    this.#statements.clear()
    this.#db.close()
    closeSync(this.#log)
  }

  [Symbol.dispose](): void {
    this.close()
  }

  /** A full disk has a code; it shows in many ways. */
  #explained<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      const { errcode } = error as { errcode?: number }
      const isFull =
        errcode !== undefined && (errcode === FULL || (MAYBE_FULL.has(errcode & 0xff) && isDiskFull(this.#file)))
      throw isFull ? fail('DISK_FULL', 'the disk of the registry is full', { cause: error }) : error
    }
  }

  #sync(): Promise<void> {
    this.#next = undefined
    const syncing = sync(this.#log).finally(() => {
      if (this.#syncing === syncing) this.#syncing = undefined
    })
    this.#syncing = syncing
    return syncing
  }

  #migrate(file: string): void {
    this.transaction(() => {
      const found = this.get<{ user_version: number }>('PRAGMA user_version')!.user_version
      if (found > MIGRATIONS.length) {
        throw fail('STORE_TOO_NEW', `${path.dirname(file)} was written by a newer Slipway (schema ${found})`, {
          hint: 'use that version, or name another folder with --root',
        })
      }
      if (found === MIGRATIONS.length) return
      for (const step of MIGRATIONS.slice(found)) this.#db.exec(step)
      this.#db.exec(`PRAGMA user_version = ${MIGRATIONS.length}`)
    })
  }
}
