import type { DockerfileNode, KeyValue } from '../node.ts'
import type { InstructionBase } from './malformed.ts'
import { parsePairs } from './pairs.ts'

/** `LABEL key=value...`, or `LABEL key value`. */
export interface LabelInstruction extends InstructionBase<'label'> {
  readonly pairs: readonly KeyValue[]
}

/** Understands LABEL. */
export function parseLabel(node: DockerfileNode): LabelInstruction {
  return { kind: 'label', node, pairs: parsePairs(node, 'LABEL') }
}
