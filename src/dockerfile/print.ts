import type { DockerfileNode } from './node.ts'
import { trimSpace } from './space.ts'

/**
 * An instruction as its author wrote it: lines joined at their continuations, here-documents below. This is what error
 * messages and progress show; parsing it gives the same instruction.
 */
export function printInstruction(node: DockerfileNode): string {
  return trimSpace(node.text) + printHeredocs(node)
}

/** The text after ONBUILD, as images keep it in their config: it becomes an instruction of the image built from them. */
export function printTrigger(node: DockerfileNode): string {
  return node.text.replace(/^[\t\n\f\r ]*ONBUILD[\t\n\f\r ]*/i, '') + printHeredocs(node)
}

function printHeredocs({ heredocs }: DockerfileNode): string {
  return heredocs.map(({ content, name }) => `\n${content}${name}`).join('')
}
