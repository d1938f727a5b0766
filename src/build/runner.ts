import type { Job, TaskResult } from '../core/index.ts'
import type { Op, Vertex } from './graph.ts'
import type { KeyPart } from './key-part.ts'
import type { Value } from './values.ts'

/** How one kind of operation is done; one file per kind under `ops/`. */
export interface OpRunner<O extends Op = Op> {
  readonly kind: O['kind']
  /** How it shows when nothing of it had to be done anew. */
  readonly shownAs?: TaskResult
  /** What the operation says by itself. `undefined`: its result is not remembered, it is always done. */
  operation(op: O): KeyPart | undefined
  /** What its inputs hold, as far as the result depends on it. Waits for inputs that are still being committed. */
  content(op: O, inputs: readonly Value[], job: Job): Promise<KeyPart>
  run(op: O, inputs: readonly Value[], task: OpTask, job: Job): Promise<Value>
  /** Hears that a step with this content was remembered. */
  remembered?(content: KeyPart): void
}

/** The task under which an operation reports. */
export interface OpTask {
  id: string
  vertex: Vertex
}

/** One for each kind of operation. */
export type Runners = { readonly [K in Op['kind']]: OpRunner<Extract<Op, { kind: K }>> }
