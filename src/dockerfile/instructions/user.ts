import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { refuseFlags } from './flags.ts'
import { exactlyOne, type InstructionBase } from './malformed.ts'

/** `USER user[:group]`. May hold variables. */
export interface UserInstruction extends InstructionBase<'user'> {
  readonly user: Token
}

/** Understands USER. */
export function parseUser(node: DockerfileNode): UserInstruction {
  const user = exactlyOne(node, 'USER')
  refuseFlags(node)
  return { kind: 'user', node, user }
}
