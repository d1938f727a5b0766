import { fail } from './errors.ts'
import type { SourceSpan } from './source.ts'

/**
 * What happens while work runs. Rooms emit it; faces render it (terminal, plain, JSON, the Docker API's stream).
 * `planned` announces a task that may start later, so that a total can be shown; `status` says in a few words what a
 * task does now (`Extracting`), and so may `bytes`, where it is not what the bytes of all tasks are for. A task with a `parent` is a part of it and is shown below it.
 */
export type ProgressEvent =
  | { type: 'planned'; task: string; name: string; inputs?: readonly string[] }
  | { type: 'started'; task: string; name: string; parent?: string; inputs?: readonly string[] }
  | { type: 'bytes'; task: string; done: number; total?: number; text?: string }
  | { type: 'status'; task: string; text: string }
  | { type: 'log'; task: string; stream: 'stdout' | 'stderr'; chunk: Uint8Array }
  | { type: 'warning'; task?: string; code: string; message: string; span?: SourceSpan; about?: WarningDetails }
  | { type: 'finished'; task: string; result: TaskResult; error?: string }

/** What a warning is about, for whoever wants to know more than its message. */
export interface WarningDetails {
  description: string
  url?: string
}

/** How a task ended. `cached` means that nothing had to be done. */
export type TaskResult = 'done' | 'cached' | 'failed' | 'canceled'

/** Rides along every long call: who listens, and when to stop. */
export interface Job {
  progress(event: ProgressEvent): void
  readonly signal?: AbortSignal
}

/** A job that nobody watches and nobody stops. */
export const silentJob: Job = { progress: () => {} }

/** Fails with `CANCELED` once the job was stopped. Long loops call it between chunks. */
export function checkCanceled(job: Job): void {
  if (job.signal?.aborted) throw fail('CANCELED', 'canceled', { cause: job.signal.reason })
}

/** Runs `work` as a task of the job: announces it, and reports how it ended. */
export async function runTask<T>(
  job: Job,
  task: { id: string; name: string; parent?: string; inputs?: readonly string[] },
  work: () => Promise<T>,
): Promise<T> {
  const { id, ...rest } = task
  job.progress({ type: 'started', task: id, ...rest })
  try {
    const result = await work()
    job.progress({ type: 'finished', task: id, result: 'done' })
    return result
  } catch (error) {
    const canceled = job.signal?.aborted === true
    const message = error instanceof Error ? error.message : String(error)
    job.progress({ type: 'finished', task: id, result: canceled ? 'canceled' : 'failed', error: message })
    throw error
  }
}
