import type { DockerfileNode } from '../node.ts'
import { printTrigger } from '../print.ts'
import { refuseFlags } from './flags.ts'
import { type InstructionBase, malformed } from './malformed.ts'

/** `ONBUILD instruction`: a trigger that runs in builds from this image. */
export interface OnbuildInstruction extends InstructionBase<'onbuild'> {
  /** The instruction as text, here-documents included. It is not understood before `parseTrigger`. */
  readonly trigger: string
}

/** Understands ONBUILD. */
export function parseOnbuild(node: DockerfileNode): OnbuildInstruction {
  if (!node.trigger) throw malformed(node, 'ONBUILD requires at least one argument')
  refuseFlags(node)
  const keyword = node.trigger.keyword
  const name = keyword.text.toUpperCase()
  if (name === 'ONBUILD') throw malformed(keyword, "Chaining ONBUILD via `ONBUILD ONBUILD` isn't allowed")
  if (name === 'MAINTAINER' || name === 'FROM') {
    throw malformed(keyword, `${name} isn't allowed as an ONBUILD trigger`)
  }
  return { kind: 'onbuild', node, trigger: printTrigger(node) }
}
