import type { DockerfileNode } from '../node.ts'
import { type CommandLine, commandLineOf } from './command-line.ts'
import { refuseFlags } from './flags.ts'
import type { InstructionBase } from './malformed.ts'

/** `CMD command`: what a container runs, or the arguments of its entrypoint. */
export interface CmdInstruction extends InstructionBase<'cmd'> {
  readonly command: CommandLine
}

/** Understands CMD. */
export function parseCmd(node: DockerfileNode): CmdInstruction {
  refuseFlags(node)
  return { kind: 'cmd', node, command: commandLineOf(node.args, node.isJson) }
}
