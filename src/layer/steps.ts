import { checkCanceled, createPacer, type Job } from '../core/index.ts'

/** Long synchronous work that can be interrupted after each of its many small steps. */
export type Steps<T> = Generator<void, T, void>

/** Does the work, giving way to events now and then, and stops when the job is canceled. */
export async function runPaced<T>(steps: Steps<T>, job: Job): Promise<T> {
  const pace = createPacer()
  try {
    for (;;) {
      const { value, done } = steps.next()
      if (done) return value
      checkCanceled(job)
      await pace()
    }
  } finally {
    // Work that is stopped half-way gets to close what it opened.
    steps.return(undefined as T)
  }
}

/** Does the work in one go. */
export function runAtOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { value, done } = steps.next()
    if (done) return value
  }
}
