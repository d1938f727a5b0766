import { type Job, shortId } from '../../core/index.ts'
import type { LayerRecord } from '../../store/index.ts'

/** Milliseconds between two reports of progress on one layer. */
const REPORT_EVERY = 100

/** How the compression of a layer is told, as a part of a task. */
export interface CompressProgress {
  /** More of its bytes were compressed. A layer that need not be compressed is never heard of. */
  passed(bytes: number): void
  end(): void
}

/** Tells of the compression of a layer below `parent`; where there is no parent, nothing. */
export function compressProgress(
  { diffId, size: total }: LayerRecord,
  parent: string | undefined,
  job: Job,
): CompressProgress {
  const task = `compress ${diffId}`
  let done = 0
  let last = 0
  const report = (text: string): void => job.progress({ type: 'bytes', task, done, total, text })
  return {
    passed(bytes) {
      if (parent === undefined) return
      if (done === 0) job.progress({ type: 'started', task, name: shortId(diffId), parent })
      done += bytes
      const now = performance.now()
      if (now - last < REPORT_EVERY) return
      last = now
      report('Compressing')
    },
    end() {
      if (done === 0) return
      report('Compressed')
      job.progress({ type: 'finished', task, result: 'cached' })
    },
  }
}
