import type { Bytes, Job } from '../core/index.ts'

/** Counts bytes that pass, and tells the job every now and then. */
export interface Meter {
  /** Bytes so far. */
  readonly done: number
  count(bytes: Bytes): Bytes
  add(bytes: number): void
  /** Tells the job for the last time. */
  end(): void
}

const INTERVAL = 100

/** Without a task nothing is told. */
export function createMeter(job: Job, task: string | undefined, total?: number): Meter {
  let done = 0
  let told = 0
  const tell = (): void => {
    told = performance.now()
    if (task !== undefined) job.progress({ type: 'bytes', task, done, ...(total === undefined ? {} : { total }) })
  }
  const add = (bytes: number): void => {
    done += bytes
    if (performance.now() - told >= INTERVAL) tell()
  }
  return {
    get done() {
      return done
    },
    add,
    end: tell,
    async *count(bytes) {
      for await (const chunk of bytes) {
        add(chunk.length)
        yield chunk
      }
    },
  }
}
