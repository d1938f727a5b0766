const MOST = 10_000

/** Remembers values for a while, the latest ten thousand at most. */
export class Memory<V> {
  readonly #entries = new Map<string, { value: V; until: number }>()

  get(key: string): V | undefined {
    const entry = this.#entries.get(key)
    if (entry && entry.until > Date.now()) return entry.value
    this.#entries.delete(key)
    return undefined
  }

  /** `lifetime` in milliseconds; with 0 nothing is remembered. */
  set(key: string, value: V, lifetime: number): void {
    this.#entries.delete(key)
    if (lifetime <= 0) return
    this.#entries.set(key, { value, until: Date.now() + lifetime })
    if (this.#entries.size > MOST) this.#entries.delete(this.#entries.keys().next().value!)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
