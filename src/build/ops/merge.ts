import type { OpRunner } from '../runner.ts'

/** Layers of other vertices on top of the first input's, as they are: COPY --link. */
export interface MergeOp {
  kind: 'merge'
}

/** Nothing is done: the layers keep their digests, whatever lies below them. */
export function mergeRunner(): OpRunner<MergeOp> {
  return {
    kind: 'merge',
    operation: () => undefined,
    content: async () => null,
    run: async (_op, inputs) => ({
      kind: 'layers',
      layers: inputs.flatMap((input) => (input.kind === 'layers' ? input.layers : [])),
    }),
  }
}
