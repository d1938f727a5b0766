import { checkCanceled, fail, type Job, type SlipwayError } from '../../core/index.ts'
import { ConnectionFailure } from './failure.ts'
import { type Patience, pauseBefore } from './patience.ts'
import { headerOf } from './redirect.ts'
import type { Reply } from './reply.ts'
import { retryAfter } from './retry-after.ts'

/** Why a try failed, and whether another one makes sense. */
export interface Trouble {
  readonly error: SlipwayError
  readonly isPassing: boolean
  /** Milliseconds that the server asks us to wait. */
  readonly wait?: number | undefined
}

const PASSING: ReadonlySet<number> = new Set([408, 429, 500, 502, 503, 504])

/** The trouble with a request that got no whole answer; errors of other kinds are thrown. */
export function troubleOfFailure(error: unknown): Trouble {
  if (!(error instanceof ConnectionFailure)) throw error
  const { message, hint, reason, isPassing } = error
  const details = { cause: error.cause, data: { reason }, ...(hint === undefined ? {} : { hint }) }
  return { error: fail('REGISTRY_UNAVAILABLE', message, details), isPassing }
}

/** The trouble with an answer whose status says that it went wrong; `error` is thrown when no more is tried. */
export function troubleOfAnswer(reply: Pick<Reply, 'status' | 'headers'>, error: SlipwayError): Trouble {
  const isQuota = reply.status === 429 && /^\s*0\b/.test(headerOf(reply, 'ratelimit-remaining') ?? '')
  const wait = retryAfter(headerOf(reply, 'retry-after'))
  return { error, isPassing: PASSING.has(reply.status) && !isQuota, ...(wait === undefined ? {} : { wait }) }
}

/** Waits as long as makes sense before the next try; `attempt` is how many there were. Fails with the trouble's error. */
export async function overcome(trouble: Trouble, attempt: number, patience: Patience, job: Job): Promise<void> {
  checkCanceled(job)
  const { error, isPassing, wait } = trouble
  if (!isPassing || attempt >= patience.tries || (wait ?? 0) > patience.longestWait) throw error
  await patience.sleep((wait ?? 0) + pauseBefore(attempt, patience), job)
}

/** Sends until an answer comes that `judge` finds no passing trouble with. */
export async function persist(
  send: () => Promise<Reply>,
  judge: (reply: Reply) => Trouble | undefined,
  patience: Patience,
  job: Job,
): Promise<Reply> {
  for (let attempt = 1; ; attempt++) {
    const outcome = await send().catch(troubleOfFailure)
    const trouble = 'status' in outcome ? judge(outcome) : outcome
    if (!trouble) return outcome as Reply
    await overcome(trouble, attempt, patience, job)
  }
}
