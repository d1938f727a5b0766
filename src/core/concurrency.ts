/** At most `limit` of the given works run at a time; the rest wait their turn in order. */
export function createLimit(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}

/**
 * Runs `work` over all items, at most `limit` at once, results in order. After the first failure no new work starts;
 * the failure is thrown when the works under way have ended, so nothing runs on behind the caller's back.
 */
export async function mapLimit<T, R>(items: Iterable<T>, limit: number, work: (item: T) => Promise<R>): Promise<R[]> {
  const queue = [...items].entries()
  const results: R[] = []
  let failure: { error: unknown } | undefined
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) {
      if (failure) return
      try {
        results[index] = await work(item)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: limit }, worker))
  if (failure) throw failure.error
  return results
}

/** One promise per key: callers that ask for the same key while it is being made, or after, share it. */
export class OncePerKey<K, V> {
  readonly #made = new Map<K, Promise<V>>()

  /** The value for `key`, made by `make` the first time. A failed making is forgotten, so that it can be tried again. */
  get(key: K, make: () => Promise<V>): Promise<V> {
    const known = this.#made.get(key)
    if (known) return known
    const made = make()
    this.#made.set(key, made)
    made.catch(() => this.#made.delete(key))
    return made
  }
}

/** Callers that ask for the same key while it is being made share that; who comes later makes it anew. */
export class OnceAtATime<K, V> {
  readonly #underWay = new Map<K, Promise<V>>()

  get(key: K, make: () => Promise<V>): Promise<V> {
    const known = this.#underWay.get(key)
    if (known) return known
    const made = make().finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, made)
    return made
  }
}

/** Lets timers, signals and I/O run between two stretches of synchronous work. */
export function yieldToEvents(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/**
 * For long synchronous loops: call often; it gives way to the event loop when `milliseconds` have passed since the
 * last time, so that progress is shown and cancellation is seen.
 */
export function createPacer(milliseconds = 15): () => Promise<void> | undefined {
  let last = performance.now()
  return () => {
    if (performance.now() - last < milliseconds) return undefined
    return yieldToEvents().then(() => {
      last = performance.now()
    })
  }
}
