import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { refuseFlags } from './flags.ts'
import { exactlyOne, type InstructionBase } from './malformed.ts'

/** `WORKDIR path`. The path may hold variables. */
export interface WorkdirInstruction extends InstructionBase<'workdir'> {
  readonly path: Token
}

/** Understands WORKDIR. */
export function parseWorkdir(node: DockerfileNode): WorkdirInstruction {
  const path = exactlyOne(node, 'WORKDIR')
  refuseFlags(node)
  return { kind: 'workdir', node, path }
}
