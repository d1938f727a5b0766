import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { refuseFlags } from './flags.ts'
import { exactlyOne, type InstructionBase } from './malformed.ts'

/** `STOPSIGNAL signal`: a name or a number; may hold variables. */
export interface StopsignalInstruction extends InstructionBase<'stopsignal'> {
  readonly signal: Token
}

/** Understands STOPSIGNAL. */
export function parseStopsignal(node: DockerfileNode): StopsignalInstruction {
  const signal = exactlyOne(node, 'STOPSIGNAL')
  refuseFlags(node)
  return { kind: 'stopsignal', node, signal }
}
