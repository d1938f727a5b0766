import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { exactlyOne, type InstructionBase } from './malformed.ts'

/** `STOPSIGNAL signal`: a name or a number; may hold variables. */
export interface StopsignalInstruction extends InstructionBase<'stopsignal'> {
  readonly signal: Token
}

/** Understands STOPSIGNAL. Flags in front are overlooked, as in BuildKit. */
export function parseStopsignal(node: DockerfileNode): StopsignalInstruction {
  return { kind: 'stopsignal', node, signal: exactlyOne(node, 'STOPSIGNAL') }
}
