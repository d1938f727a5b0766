import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { refuseFlags } from './flags.ts'
import { exactlyOne, type InstructionBase } from './malformed.ts'

/** `MAINTAINER name`: the author in the image config. Deprecated in favour of a label. */
export interface MaintainerInstruction extends InstructionBase<'maintainer'> {
  readonly author: Token
}

/** Understands MAINTAINER. */
export function parseMaintainer(node: DockerfileNode): MaintainerInstruction {
  const author = exactlyOne(node, 'MAINTAINER')
  refuseFlags(node)
  return { kind: 'maintainer', node, author }
}
