import type { Digest } from '../core/index.ts'
import type { Op } from './graph.ts'
import { keyOf } from './known-steps.ts'
import type { OpRunner, Runners } from './runner.ts'

/** The digest under which the cache knows an operation by itself; `undefined` for one whose results are not remembered. */
export type OpKeys = (op: Op) => Digest | undefined

/** See `OpKeys`. */
export function operationKeys(runners: Runners): OpKeys {
  return (op) => {
    const operation = (runners[op.kind] as unknown as OpRunner).operation(op)
    return operation === undefined ? undefined : keyOf(operation)
  }
}
