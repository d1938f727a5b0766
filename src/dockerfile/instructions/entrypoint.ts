import type { DockerfileNode } from '../node.ts'
import { type CommandLine, commandLineOf } from './command-line.ts'
import { refuseFlags } from './flags.ts'
import type { InstructionBase } from './malformed.ts'

/** `ENTRYPOINT command`. */
export interface EntrypointInstruction extends InstructionBase<'entrypoint'> {
  readonly command: CommandLine
}

/** Understands ENTRYPOINT. */
export function parseEntrypoint(node: DockerfileNode): EntrypointInstruction {
  refuseFlags(node)
  return { kind: 'entrypoint', node, command: commandLineOf(node.args, node.isJson) }
}
