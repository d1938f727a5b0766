import { type Digest, digestOf } from '../../core/index.ts'
import type { LayerRecord, Lease, Store } from '../../store/index.ts'
import type { KeyPart } from '../key-part.ts'

/** A layer that was derived from others, remembered like a step: it is made once. */
export async function rememberedLayer(
  store: Store,
  lease: Lease,
  document: { operation: KeyPart; content: KeyPart },
  make: () => Promise<LayerRecord>,
): Promise<LayerRecord> {
  const key = keyOf(document)
  const diffIds = store.steps.find(key)?.diffIds ?? []
  lease.hold(diffIds)
  const known = diffIds[0] && store.layers.get(diffIds[0])
  if (known) return known
  const record = await make()
  const opKey = keyOf(document.operation)
  store.steps.save({ key, opKey, document, diffIds: [record.diffId], createdAt: Date.now() })
  return record
}

const keyOf = (part: KeyPart): Digest => digestOf(JSON.stringify(part))
