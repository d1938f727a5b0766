import { randomBytes } from 'node:crypto'
import { mkdirSync, readlinkSync, rmSync } from 'node:fs'
import type { Digest } from '../core/index.ts'
import { bootId, identifyProcess, isAlive, type ProcessIdentity } from '../host/index.ts'
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
    db.run('INSERT INTO leases VALUES (?, ?, ?)', this.id, JSON.stringify(thisProcess()), Date.now())
    mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    this.#timer = setInterval(() => {
      db.run('UPDATE leases SET touched_at = ? WHERE id = ?', Date.now(), this.id)
    }, TOUCH_EVERY)
    this.#timer.unref()
  }

  /** From now on these are not collected. Hold first, then look whether they are there. */
  hold(digests: Iterable<Digest>): void {
    const fresh = [...digests].filter((digest) => !this.#held.has(digest))
    if (fresh.length === 0) return
    this.#db.transaction(() => {
      for (const digest of fresh) this.#db.run('INSERT OR IGNORE INTO lease_items VALUES (?, ?)', this.id, digest)
    })
    for (const digest of fresh) this.#held.add(digest)
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    rmSync(this.folder, { recursive: true, force: true })
    this.#db.run('DELETE FROM leases WHERE id = ?', this.id)
  }
}

/** Ids of leases whose holders live; the others are removed. Call inside a transaction. */
export function sweepLeases(db: Database): Set<string> {
  const living = new Set<string>()
  for (const row of db.all<{ id: string; holder: string; touched_at: number }>('SELECT * FROM leases')) {
    if (holds(JSON.parse(row.holder) as Holder, row.touched_at)) living.add(row.id)
    else db.run('DELETE FROM leases WHERE id = ?', row.id)
  }
  return living
}

function holds(holder: Holder, touchedAt: number): boolean {
  if (holder.pidNamespace === thisProcess().pidNamespace) return isAlive(holder)
  return holder.bootId === bootId() && Date.now() - touchedAt < FOREIGN_SILENCE
}

let self: Holder | undefined

function thisProcess(): Holder {
  self ??= { ...identifyProcess(process.pid)!, pidNamespace: readlinkSync('/proc/self/ns/pid') }
  return self
}
