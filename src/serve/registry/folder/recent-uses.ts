import type { Digest } from '../../../core/index.ts'

/** Uses that are remembered before the oldest are forgotten. */
const MOST = 100_000

/**
 * When manifests were last asked for by digest: a client that hears that one is there relies on it, and does not push it
 * again. Kept in memory, with the latest last.
 */
export class RecentUses {
  readonly #times = new Map<string, number>()

  note(repository: string, digest: Digest): void {
    const key = `${repository}@${digest}`
    this.#times.delete(key)
    this.#times.set(key, Date.now())
    if (this.#times.size > MOST) this.#times.delete(this.#times.keys().next().value!)
  }

  /** Unix milliseconds; 0 when not known. */
  last(repository: string, digest: Digest): number {
    return this.#times.get(`${repository}@${digest}`) ?? 0
  }
}
