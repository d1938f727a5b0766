import { fail } from '../../core/index.ts'
import type { FileSource } from '../files/source.ts'
import type { ContextOp } from '../graph.ts'
import type { OpRunner } from '../solver.ts'

/** The files the user gave to the build. They are looked at when a COPY wants them, and only those it wants. */
export function contextRunner(contexts: ReadonlyMap<string, FileSource>): OpRunner<ContextOp> {
  return {
    kind: 'context',
    operation: () => undefined,
    content: async () => null,
    async run(op) {
      const files = contexts.get(op.name)
      if (!files) throw fail('INTERNAL', `no build context named ${op.name}`)
      return { kind: 'files', files }
    },
  }
}
