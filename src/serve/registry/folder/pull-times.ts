import type { Digest } from '../../../core/index.ts'
import type { RegistryDatabase } from './database.ts'

/** Milliseconds between writes. */
const STEP = 5_000
/** Manifests that are remembered before a write. */
const MOST = 10_000

/** When manifests were last pulled: gathered in memory and written every few seconds, so that pulls stay reads. */
export class PullTimes {
  readonly #db: RegistryDatabase
  readonly #times = new Map<string, { repository: string; digest: Digest; at: number }>()
  #timer: NodeJS.Timeout | undefined

  constructor(db: RegistryDatabase) {
    this.#db = db
  }

  note(repository: string, digest: Digest): void {
    const key = `${repository}@${digest}`
    const known = this.#times.get(key)
    if (known) {
      known.at = Date.now()
      return
    }
    this.#times.set(key, { repository, digest, at: Date.now() })
    if (this.#times.size >= MOST) this.write()
    this.#timer ??= setTimeout(() => this.write(), STEP).unref()
  }

  write(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const times = [...this.#times.values()]
    this.#times.clear()
    if (times.length === 0) return
    this.#db.unlessFull(() => {
      for (const { repository, digest, at } of times) {
        this.#db.run(
          'UPDATE manifests SET pulled_at = ? WHERE repo = (SELECT id FROM repositories WHERE name = ?) AND digest = ?',
          ...[at, repository, digest],
        )
      }
    })
  }
}
