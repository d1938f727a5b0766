import type { DockerfileNode } from '../node.ts'
import { refuseFlags } from './flags.ts'
import { atLeastOne, type InstructionBase, malformed } from './malformed.ts'

/** `SHELL ["program", "argument"...]`: what shell forms are run by from here on. */
export interface ShellInstruction extends InstructionBase<'shell'> {
  readonly shell: readonly string[]
}

/** Understands SHELL. */
export function parseShell(node: DockerfileNode): ShellInstruction {
  refuseFlags(node)
  const args = atLeastOne(node, 'SHELL')
  if (!node.isJson) {
    throw malformed(node, 'SHELL requires the arguments to be in JSON form', {
      hint: 'Write it as SHELL ["/bin/sh", "-c"]; a backslash in a string is written twice.',
    })
  }
  return { kind: 'shell', node, shell: args.map(({ text }) => text) }
}
