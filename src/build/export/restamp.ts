import type { Bytes, Job } from '../../core/index.ts'
import { type FileTree, readTar, type TarSource, writeTar } from '../../layer/index.ts'
import type { LayerRecord, Lease, Store } from '../../store/index.ts'
import { rememberedLayer } from './remembered.ts'

/**
 * A layer in which nothing is newer than `epoch` (seconds since 1970): the layer itself when that is so, else the same
 * with later times set to this one. The cache keeps layers as they were made, whatever the epoch; what was restamped is
 * remembered like a step.
 */
export async function restampLayer(
  store: Store,
  layer: LayerRecord,
  options: { epoch: number; lease: Lease },
  job: Job,
): Promise<LayerRecord> {
  const { epoch, lease } = options
  if (!isNewer(await store.layers.tree([layer.diffId], job), epoch)) return layer
  const document = { operation: { kind: 'restamp', epoch }, content: { layer: layer.diffId } }
  return rememberedLayer(store, lease, document, async () => {
    const archive = writeTar(restamped(store.blobs.read(layer.diffId), epoch, job), job)
    return (await store.layers.import(archive, { lease }, job)).record
  })
}

function isNewer(tree: FileTree, epoch: number): boolean {
  for (const entry of tree.walk()) if (entry.mtime.seconds > epoch) return true
  return false
}

async function* restamped(archive: Bytes, epoch: number, job: Job): AsyncGenerator<TarSource> {
  for await (const { entry, body } of readTar(archive, {}, job)) {
    const mtime = entry.mtime.seconds > epoch ? { seconds: epoch, nanoseconds: 0 } : entry.mtime
    yield { entry: { ...entry, mtime }, ...(entry.type === 'file' ? { body } : {}) }
  }
}
