import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { trimSpace } from '../space.ts'
import { refuseFlags } from './flags.ts'
import { atLeastOne, type InstructionBase, malformed } from './malformed.ts'

/** `VOLUME path...`, or a JSON list. Paths may hold variables. */
export interface VolumeInstruction extends InstructionBase<'volume'> {
  readonly paths: readonly Token[]
}

/** Understands VOLUME. */
export function parseVolume(node: DockerfileNode): VolumeInstruction {
  const args = atLeastOne(node, 'VOLUME')
  refuseFlags(node)
  const paths = args.map(({ text, span }) => ({ text: trimSpace(text), span }))
  const empty = paths.find(({ text }) => text === '')
  if (empty) throw malformed(empty, 'VOLUME specified can not be an empty string')
  return { kind: 'volume', node, paths }
}
