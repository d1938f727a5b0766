import { fail } from '../../core/index.ts'
import type { ImageOp } from '../graph.ts'
import type { OpRunner } from '../runner.ts'
import type { BuildSession } from '../session.ts'
import { storedLayer } from '../values.ts'

/** FROM an image: its layers as they lie in the store. */
export function imageRunner(session: BuildSession): OpRunner<ImageOp> {
  return {
    kind: 'image',
    shownAs: 'cached',
    operation: () => undefined,
    content: async () => null,
    async run(op) {
      session.lease.hold(op.diffIds)
      const layers = op.diffIds.map((diffId) => {
        const record = session.store.layers.get(diffId)
        if (!record) throw fail('BLOB_NOT_FOUND', `layer ${diffId} of ${op.reference} is not in the store`)
        return storedLayer(record)
      })
      return { kind: 'layers', layers }
    },
  }
}
