import { randomBytes } from 'node:crypto'
import { mkdirSync, readlinkSync } from 'node:fs'
import { type Digest, fail } from '../core/index.ts'
import { bootId, identifyProcess, isAlive, type ProcessIdentity, removeTree } from '../host/index.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'

/** Who holds a lease, so that any process can tell whether it still lives. */
interface Holder extends ProcessIdentity {
  pidNamespace: string
}

// A holder in another pid namespace cannot be looked up; it counts as gone when it has not touched its lease for this long.
const FOREIGN_SILENCE = 10 * 60_000
const TOUCH_EVERY = 60_000

/**
 * Protects content from collection while a piece of work needs it, and owns a folder for unfinished files.
 * Ends with `dispose`; when the process dies, the next collection sweeps what it left.
 */
export class Lease implements Disposable {
  readonly id: string
  /** A folder that only this lease writes to. */
  readonly folder: string
  readonly #db: Database
  readonly #held = new Set<Digest>()
  readonly #timer: NodeJS.Timeout

  constructor(db: Database, layout: StoreLayout) {
    this.#db = db
    this.id = randomBytes(8).toString('hex')
    this.folder = layout.ingest(this.id)
    // the row first: a folder without one is swept
    db.run('INSERT INTO leases VALUES (?, ?, ?)', this.id, JSON.stringify(thisProcess()), sinceBoot())
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    this.#timer = setInterval(() => {
      this.#quietly('UPDATE leases SET touched_at = ? WHERE id = ?', sinceBoot(), this.id)
    }, TOUCH_EVERY)
    this.#timer.unref()
  }

  /**
   * From now on these are not collected. Hold first, then look whether they are there. Fails with `LEASE_LOST` when
   * another process took this one for dead.
   */
  hold(digests: Iterable<Digest>): void {
    const fresh = [...digests].filter((digest) => !this.#held.has(digest))
    if (fresh.length === 0) return
    this.#db.transaction(() => {
      if (!this.#db.get('SELECT 1 FROM leases WHERE id = ?', this.id)) throw lost()
      for (const digest of fresh) this.#db.run('INSERT OR IGNORE INTO lease_items VALUES (?, ?)', this.id, digest)
    })
    // inside of a larger transaction it may yet be undone and come again
    if (!this.#db.inTransaction) for (const digest of fresh) this.#held.add(digest)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    removeTree(this.folder)
    this.#quietly('DELETE FROM leases WHERE id = ?', this.id)
  }

  /** What fails here, on a full disk for instance, is made good: by the next touch, or by the next collection. */
  #quietly(sql: string, ...values: (string | number)[]): void {
    try {
      this.#db.run(sql, ...values)
    } catch {
      // see above; an error here would hide the one that matters
    }
  }
}

/** Leases by whether their holders live. Those that do not keep nothing alive any more. Call inside a transaction. */
export function sortLeases(db: Database): { living: Set<string>; dead: Set<string> } {
  const [living, dead] = [new Set<string>(), new Set<string>()]
  for (const row of db.all<{ id: string; holder: string; touched_at: number }>('SELECT * FROM leases')) {
    if (holds(JSON.parse(row.holder) as Holder, row.touched_at)) living.add(row.id)
    else dead.add(row.id)
  }
  for (const id of dead) db.run('DELETE FROM lease_items WHERE lease = ?', id)
  return { living, dead }
}

/** Whether a lease is there and its holder lives. Changes nothing. */
export function isLeaseAlive(db: Database, id: string): boolean {
  const row = db.get<{ holder: string; touched_at: number }>('SELECT holder, touched_at FROM leases WHERE id = ?', id)
  return row !== undefined && holds(JSON.parse(row.holder) as Holder, row.touched_at)
}

/** Forgets leases, once everything that their holders left has been removed. */
export function forgetLeases(db: Database, dead: ReadonlySet<string>): void {
  db.transaction(() => {
    for (const id of dead) db.run('DELETE FROM leases WHERE id = ?', id)
  })
}

function holds(holder: Holder, touchedAt: number): boolean {
  if (holder.pidNamespace === thisProcess().pidNamespace) return isAlive(holder)
  return holder.bootId === bootId() && sinceBoot() - touchedAt < FOREIGN_SILENCE
}

/** Milliseconds of the clock that all processes of a machine share, and that nobody sets: it stands still in suspension. */
function sinceBoot(): number {
  return Number(process.hrtime.bigint() / 1_000_000n)
}

let self: Holder | undefined

/** Pids count as /proc shows them: in a new pid namespace that may still be the outer one's. */
function thisProcess(): Holder {
  if (self) return self
  const pid = Number(readlinkSync('/proc/self'))
  const namespace = readlinkSync('/proc/self/ns/pid')
  const pidNamespace = pid === process.pid ? namespace : `${namespace} through another /proc`
  self = { ...identifyProcess(pid)!, pidNamespace }
  return self
}

function lost(): Error {
  return fail('LEASE_LOST', 'the store was cleaned up while this process stood still', {
    hint: 'run the command again.',
  })
}
