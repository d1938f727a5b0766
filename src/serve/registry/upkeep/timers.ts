/** Work that is done again and again, one run at a time, with a time between the runs. */
export class Timers {
  readonly #timers = new Set<NodeJS.Timeout>()
  readonly #running = new Set<Promise<void>>()
  #stopped = false

  every(milliseconds: number, work: () => unknown): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer)
      const run = attempt(work).finally(() => {
        this.#running.delete(run)
        if (!this.#stopped) this.every(milliseconds, work)
      })
      this.#running.add(run)
    }, milliseconds).unref()
    this.#timers.add(timer)
  }

  /** Long runs are stopped by those who made them. */
  async stop(): Promise<void> {
    this.#stopped = true
    for (const timer of this.#timers) clearTimeout(timer)
  }
}

async function attempt(work: () => unknown): Promise<void> {
  try {
    await work()
  } catch (error) {
    process.stderr.write(`registry: upkeep: ${error instanceof Error ? error.message : String(error)}\n`)
  }
}
