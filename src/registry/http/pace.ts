import { fail, type Job } from '../../core/index.ts'

/**
 * How many requests of a kind run at once against one host: as many as allowed at first, half after "too many requests",
 * and slowly more again while all goes well (additive increase, multiplicative decrease).
 */
export class Pace {
  readonly #most: number
  #limit: number
  #running = 0
  readonly #waiting: (() => void)[] = []

  constructor(most: number) {
    this.#most = most
    this.#limit = most
  }

  get limit(): number {
    return Math.floor(this.#limit)
  }

  /** Waits for a turn; what it returns gives the turn back, once. Fails with `CANCELED`. */
  async turn(job: Job): Promise<() => void> {
    if (this.#running >= this.limit) await this.#wait(job)
    else this.#running++
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#running--
      this.#admit()
    }
  }

  /** A request was answered as it should be. */
  faster(): void {
    if (this.#limit < this.#most) this.#limit = Math.min(this.#most, this.#limit + 1 / this.#limit)
    this.#admit()
  }

  /** The host says that it is asked too often. */
  slower(): void {
    this.#limit = Math.max(1, this.#limit / 2)
  }

  #admit(): void {
    while (this.#running < this.limit && this.#waiting.length > 0) {
      this.#running++
      this.#waiting.shift()!()
    }
  }

  #wait({ signal }: Job): Promise<void> {
    return new Promise((resolve, reject) => {
      const stopped = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(admitted), 1)
        reject(fail('CANCELED', 'canceled', { cause: signal?.reason }))
      }
      const admitted = (): void => {
        signal?.removeEventListener('abort', stopped)
        resolve()
      }
      if (signal?.aborted) {
        reject(fail('CANCELED', 'canceled', { cause: signal.reason }))
        return
      }
      signal?.addEventListener('abort', stopped, { once: true })
      this.#waiting.push(admitted)
    })
  }
}
