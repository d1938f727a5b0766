import { type Job, type ProgressEvent, shortId } from '../../core/index.ts'
import { type Descriptor, isLayerType } from '../../oci/index.ts'
import type { CopyPlan } from '../../transfer/index.ts'

/**
 * How a transfer is told: as one task, whose parts are the layers by their short digests. Manifests and the like are not
 * worth a line.
 */
export interface LayerProgress {
  readonly job: Job
  /** Announces the layers that will be looked at. */
  announce(plan: CopyPlan): void
}

/** Tells what a copy does as parts of a task. `arrived` is said of a layer of which all bytes have come or gone. */
export function layerProgress(parent: string, { arrived }: { arrived?: string }, job: Job): LayerProgress {
  const layers = new Set<string>()
  const whole = new Set<string>()
  const tell = (event: ProgressEvent): void => {
    if (event.type === 'warning') job.progress(event)
    if (event.type === 'warning') return
    const isLate = event.type === 'bytes' && whole.has(event.task)
    if (!layers.has(event.task) || event.type === 'started' || isLate) return
    job.progress(event)
    if (event.type !== 'bytes' || event.done !== event.total) return
    whole.add(event.task)
    if (arrived !== undefined) job.progress({ type: 'status', task: event.task, text: arrived })
  }
  return {
    job: { progress: tell, ...(job.signal ? { signal: job.signal } : {}) },
    announce({ blobs }) {
      for (const { digest } of blobs.filter(isLayer)) {
        layers.add(digest)
        job.progress({ type: 'started', task: digest, name: shortId(digest), parent })
      }
    },
  }
}

const isLayer = ({ mediaType }: Descriptor): boolean => isLayerType(mediaType)
