import { setTimeout as after } from 'node:timers/promises'
import { fail, type Job } from '../../core/index.ts'

/** Waits, and fails with `CANCELED` as soon as the job is stopped. */
export async function sleep(milliseconds: number, job: Job): Promise<void> {
  try {
    await after(milliseconds, undefined, job.signal ? { signal: job.signal } : {})
  } catch (error) {
    throw fail('CANCELED', 'canceled', { cause: error })
  }
}
