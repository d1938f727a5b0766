import type { Job } from '../../core/index.ts'
import { sameButTimes } from '../../layer/index.ts'
import type { LayerRecord } from '../../store/index.ts'
import type { BuildSession } from '../session.ts'

/** A layer that was written but is not in the store yet. */
export interface FreshLayer {
  tar: string
  summary: LayerRecord
  /** When its step ran, Unix milliseconds. */
  ran: { from: number; to: number }
}

/**
 * The layer of an earlier RUN that differs from this one in nothing but the times at which files were written: it is
 * taken instead, so that the steps which follow find what was made on top of it.
 */
export async function findSameResult(
  session: BuildSession,
  fresh: FreshLayer,
  job: Job,
): Promise<LayerRecord | undefined> {
  const { store, lease } = session
  const { summary, tar, ran } = fresh
  for (const { diffIds, createdAt, beganAt = createdAt, endedAt = 0 } of store.steps.similar('run', summary)) {
    const diffId = diffIds[0]!
    if (diffId === summary.diffId) continue
    lease.hold([diffId])
    const record = store.layers.get(diffId)
    if (!record) continue
    const earlier = { path: store.layers.tarPath(diffId), ...seconds({ from: beganAt, to: endedAt }) }
    if (await sameButTimes({ path: tar, ...seconds(ran) }, earlier, job)) return record
  }
  return undefined
}

/** Layers have whole seconds. */
const seconds = ({ from, to }: { from: number; to: number }): { from: number; to: number } => ({
  from: Math.floor(from / 1000),
  to: Math.ceil(to / 1000),
})
