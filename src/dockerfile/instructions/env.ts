import type { DockerfileNode, KeyValue } from '../node.ts'
import type { InstructionBase } from './malformed.ts'
import { parsePairs } from './pairs.ts'

/** `ENV key=value...`, or `ENV key value`. */
export interface EnvInstruction extends InstructionBase<'env'> {
  readonly pairs: readonly KeyValue[]
}

/** Understands ENV. */
export function parseEnv(node: DockerfileNode): EnvInstruction {
  return { kind: 'env', node, pairs: parsePairs(node, 'ENV') }
}
