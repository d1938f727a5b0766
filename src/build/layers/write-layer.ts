import type { Job } from '../../core/index.ts'
import { createLayerWriter, type LayerWriter } from '../../layer/index.ts'
import type { BuildSession } from '../session.ts'
import { type LayerRef, storedLayer } from '../values.ts'

/** Writes a layer straight into the store: `fill` gives it its entries. Nothing is left when that fails. */
export async function writeLayer(
  session: BuildSession,
  fill: (writer: LayerWriter, job: Job) => Promise<void> | void,
  job: Job,
): Promise<LayerRef> {
  const { layers } = session.store
  const files = layers.temporary(session.lease)
  const writer = createLayerWriter(files, {}, job)
  try {
    await fill(writer, job)
    return storedLayer(layers.adopt(files, writer.finish(), session.lease))
  } catch (error) {
    writer.abort()
    throw error
  }
}
