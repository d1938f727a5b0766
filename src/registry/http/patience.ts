import type { Job } from '../../core/index.ts'
import { sleep } from './sleep.ts'

/** How long and how often something is tried again. Times are in milliseconds. */
export interface Patience {
  /** How often a request is sent at most, and how often a download may break in a row without any byte. */
  readonly tries: number
  /** The longest pause before the second try; it doubles from try to try. */
  readonly firstPause: number
  readonly longestPause: number
  /** The longest that a server may ask us to wait; beyond, the request fails at once. */
  readonly longestWait: number
  /** How long a server may say nothing. */
  readonly silence: number
  sleep(milliseconds: number, job: Job): Promise<void>
}

/** Five tries in about five seconds; a server may ask for a minute. */
export const PATIENCE: Patience = {
  tries: 5,
  firstPause: 500,
  longestPause: 5_000,
  longestWait: 60_000,
  silence: 60_000,
  sleep,
}

/** The pause before try `attempt` (the second is 1): random up to a doubling limit, so that clients do not come together. */
export function pauseBefore(attempt: number, { firstPause, longestPause }: Patience): number {
  return Math.random() * Math.min(longestPause, firstPause * 2 ** (attempt - 1))
}
