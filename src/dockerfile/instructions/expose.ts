import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { refuseFlags } from './flags.ts'
import { atLeastOne, type InstructionBase } from './malformed.ts'

/** `EXPOSE port...`. Words may hold variables, even several ports in one; `parsePorts` reads them then. */
export interface ExposeInstruction extends InstructionBase<'expose'> {
  /** Sorted, as BuildKit goes through them. */
  readonly ports: readonly Token[]
}

/** Understands EXPOSE. */
export function parseExpose(node: DockerfileNode): ExposeInstruction {
  const ports = [...atLeastOne(node, 'EXPOSE')].sort((a, b) => Buffer.compare(Buffer.from(a.text), Buffer.from(b.text)))
  refuseFlags(node)
  return { kind: 'expose', node, ports }
}
