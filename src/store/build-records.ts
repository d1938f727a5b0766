import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { errnoOf } from '../core/index.ts'
import { removeTree } from '../host/index.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'
import { isLeaseAlive, type Lease } from './leases.ts'

/** One build that was done here. What a record says is up to who writes it; it may be anything. */
export interface BuildRecordRow<R = unknown> {
  id: string
  /** Unix milliseconds. */
  startedAt: number
  /** Missing while it runs, and for one whose process was killed. */
  finishedAt?: number
  /** Whether the process that does it still lives. */
  running: boolean
  /** Bytes of its log, compressed. */
  logBytes: number
  record: R
}

/** What is kept of builds. The latest build always stays. */
export interface BuildRecordLimits {
  builds: number
  /** Milliseconds. */
  age: number
  /** Bytes of all logs. */
  logBytes: number
}

const LIMITS: BuildRecordLimits = { builds: 500, age: 90 * 24 * 3_600_000, logBytes: 1 << 30 }
const ID = /^[0-9a-z]{16}$/

/**
 * The builds of the past: a row each, and a folder for the log. The row is written first and removed first, so a folder
 * without one is nobody's. Several builds may be recorded at once.
 */
export class BuildRecords {
  readonly #db: Database
  readonly #layout: StoreLayout

  constructor(db: Database, layout: StoreLayout) {
    this.#db = db
    this.#layout = layout
  }

  /** Starts a record, which counts as running as long as the lease lives. Its folder is there when this returns. */
  add(record: unknown, startedAt: number, lease: Lease): string {
    const id = BigInt(`0x${randomBytes(12).toString('hex')}`)
      .toString(36)
      .padStart(16, '0')
      .slice(-16)
    const values = [id, startedAt, lease.id, JSON.stringify(record)]
    const columns = '(id, started_at, lease, record, log_bytes)'
    this.#db.run(`INSERT INTO build_records ${columns} VALUES (?, ?, ?, ?, 0)`, ...values)
    mkdirSync(this.folder(id), { recursive: true, mode: 0o700 })
    return id
  }

  /** Ends a record. `definition` is what was built, of one that got to its steps: see `ofDefinition`. */
  finish(id: string, record: unknown, about: { finishedAt: number; logBytes: number; definition?: string }): void {
    const { finishedAt, logBytes, definition = null } = about
    const sql = 'UPDATE build_records SET record = ?, finished_at = ?, log_bytes = ?, definition = ? WHERE id = ?'
    this.#db.run(sql, JSON.stringify(record), finishedAt, logBytes, definition, id)
  }

  /** Latest first. */
  list<R>(): BuildRecordRow<R>[] {
    return this.#all('ORDER BY started_at DESC, id')
  }

  /** The latest one, after so many later ones. */
  at<R>(offset: number): BuildRecordRow<R> | undefined {
    return this.#all<R>('ORDER BY started_at DESC, id LIMIT 1 OFFSET ?', offset)[0]
  }

  /** Those of the same definition, latest first, at most ten. */
  ofDefinition<R>(definition: string): BuildRecordRow<R>[] {
    return this.#all('WHERE definition = ? ORDER BY started_at DESC, id LIMIT 10', definition)
  }

  /** The latest one that has a definition. */
  latestDefined<R>(): BuildRecordRow<R> | undefined {
    return this.#all<R>('WHERE definition IS NOT NULL ORDER BY started_at DESC, id LIMIT 1')[0]
  }

  /** Those whose id begins so, at most two. */
  find<R>(prefix: string): BuildRecordRow<R>[] {
    return this.#all('WHERE id >= ? AND id < ? ORDER BY id LIMIT 2', prefix, `${prefix}{`)
  }

  /** Removes a record with its log; whether it was there. */
  remove(id: string): boolean {
    const removed = this.#db.run('DELETE FROM build_records WHERE id = ?', id) > 0
    if (ID.test(id)) removeTree(this.folder(id))
    return removed
  }

  /** Removes what is beyond the limits, oldest first, and folders without a record. Builds that run stay. */
  sweep(limits: Partial<BuildRecordLimits> = {}): void {
    const { builds, age, logBytes } = { ...LIMITS, ...limits }
    let bytes = 0
    const columns = 'id, started_at, finished_at, lease, log_bytes'
    const rows = this.#db.all<Omit<Row, 'record'>>(`SELECT ${columns} FROM build_records ORDER BY started_at DESC, id`)
    for (const [at, row] of rows.entries()) {
      bytes += row.log_bytes
      const surplus = at >= builds || bytes > logBytes || row.started_at < Date.now() - age
      if (at > 0 && surplus && !this.#isRunning(row)) this.remove(row.id)
    }
    for (const name of this.#folders()) {
      const known = this.#db.get('SELECT 1 FROM build_records WHERE id = ?', name)
      if (!known) removeTree(path.join(this.#layout.builds, name))
    }
  }

  /** Where the files of a build lie. */
  folder(id: string): string {
    return path.join(this.#layout.builds, id)
  }

  #all<R>(which: string, ...values: (string | number)[]): BuildRecordRow<R>[] {
    return this.#db.all<Row>(`SELECT * FROM build_records ${which}`, ...values).map((row) => this.#from<R>(row))
  }

  #folders(): string[] {
    try {
      return readdirSync(this.#layout.builds)
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return []
      throw error
    }
  }

  #from<R>(row: Row): BuildRecordRow<R> {
    const { id, started_at: startedAt, finished_at: finishedAt, log_bytes: logBytes } = row
    return {
      id,
      startedAt,
      ...(finishedAt === null ? {} : { finishedAt }),
      running: this.#isRunning(row),
      logBytes,
      record: parsed(row.record) as R,
    }
  }

  #isRunning({ finished_at: finishedAt, lease }: Pick<Row, 'finished_at' | 'lease'>): boolean {
    return finishedAt === null && isLeaseAlive(this.#db, lease)
  }
}

/** `null` for what is no JSON: somebody has edited it. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

interface Row {
  id: string
  started_at: number
  finished_at: number | null
  lease: string
  log_bytes: number
  record: string
}
