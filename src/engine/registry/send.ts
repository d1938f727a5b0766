import type { Job } from '../../core/index.ts'
import { type Descriptor, formatReference, type ImageReference } from '../../oci/index.ts'
import type { RegistryRepository } from '../../registry/index.ts'
import { type Lease, openRepository, type Store } from '../../store/index.ts'
import { copyImage } from '../../transfer/index.ts'
import { layerProgress } from './layer-progress.ts'
import { inPlainWords } from './plain-words.ts'

/** An image of the store that is ready to travel. */
export interface Sendable {
  lease: Lease
  root: Descriptor
  /** What it is to be called; without a tag it can only be had by its digest. */
  reference: ImageReference
  /** The task that its layers are parts of. */
  task: string
}

/**
 * Sends an image of the store to a registry, as far as it is not there, and remembers how it is called there. Layers that
 * the registry is known to have elsewhere are taken from there.
 */
export async function sendImage(store: Store, remote: RegistryRepository, image: Sendable, job: Job): Promise<void> {
  const { lease, root, reference, task } = image
  const { domain, path, tag } = reference
  const mounts = new Map<string, string>()
  const progress = layerProgress(task, {}, tellingMounts(mounts, job))
  const sent: Descriptor[] = []
  await copyImage(
    openRepository(store, lease),
    remote,
    {
      ref: root.digest,
      select: 'available',
      ...(tag === undefined ? {} : { as: tag }),
      mountFrom({ digest }) {
        const from = store.places.find(digest, { domain, path })
        if (from !== undefined) mounts.set(digest, from)
        return from
      },
      onPlan(plan) {
        sent.push(...plan.blobs, ...plan.documents.map(({ descriptor }) => descriptor))
        progress.announce(plan)
      },
    },
    progress.job,
  ).catch((error: unknown) => {
    throw inPlainWords(error)
  })
  store.places.add(
    sent.map(({ digest }) => digest),
    { domain, path },
  )
  const { mediaType, digest, size } = root
  store.images.put({ mediaType, digest, size }, [formatReference({ domain, path, digest })])
}

/** A layer that is done although none of it was sent was taken from the other repository. */
function tellingMounts(mounts: ReadonlyMap<string, string>, job: Job): Job {
  const moved = new Set<string>()
  return {
    ...job,
    progress(event) {
      if (event.type === 'bytes') moved.add(event.task)
      const from = event.type === 'finished' && event.result === 'done' ? mounts.get(event.task) : undefined
      if (event.type !== 'finished' || from === undefined || moved.has(event.task)) {
        job.progress(event)
        return
      }
      job.progress({ type: 'status', task: event.task, text: `Mounted from ${from}` })
      job.progress({ ...event, result: 'cached' })
    },
  }
}
