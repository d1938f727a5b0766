import type { Digest } from '../../../core/index.ts'
import type { RegistryDatabase } from './database.ts'

/** Uses that are remembered before the oldest are forgotten. */
const MOST = 100_000
const KEY = 'uses.until'

/**
 * When manifests were last asked for by digest: a client that hears that one is there relies on it, and does not push it
 * again. Kept in memory, with the latest last. What is not known may have been used as late as the latest use that was
 * forgotten: by an earlier process, or because they were too many.
 */
export class RecentUses {
  readonly #db: RegistryDatabase
  readonly #times = new Map<string, number>()
  #forgotten: number
  #latest: number

  /** Takes up what the process before left; one that was killed may have answered until a moment ago. */
  constructor(db: RegistryDatabase) {
    this.#db = db
    const take = 'DELETE FROM upkeep_state WHERE key = ? RETURNING value'
    const row = db.freeing(() => db.get<{ value: string }>(take, KEY))
    this.#forgotten = row ? Number(row.value) : Date.now()
    this.#latest = this.#forgotten
  }

  note(repository: string, digest: Digest): void {
    const key = `${repository}@${digest}`
    this.#latest = Date.now()
    this.#times.delete(key)
    this.#times.set(key, this.#latest)
    if (this.#times.size > MOST) this.#forgetOldest()
  }

  /** Unix milliseconds: there was no use of it later. */
  last(repository: string, digest: Digest): number {
    return Math.max(this.#forgotten, this.#times.get(`${repository}@${digest}`) ?? 0)
  }

  /** Leaves to the next process when the latest use was. */
  close(): void {
    const value = String(this.#latest)
    this.#db.unlessFull(() => void this.#db.run('INSERT OR REPLACE INTO upkeep_state VALUES (?, ?)', KEY, value))
  }

  #forgetOldest(): void {
    const [key, time] = this.#times.entries().next().value!
    this.#times.delete(key)
    this.#forgotten = Math.max(this.#forgotten, time)
  }
}
