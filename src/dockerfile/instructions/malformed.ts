import { type ErrorDetails, fail, type SourceSpan } from '../../core/index.ts'
import type { Token } from '../logical-line.ts'
import type { DockerfileNode, Keyword } from '../node.ts'

/** What every instruction has: its keyword in lower case, and the node with its words, comments and places. */
export interface InstructionBase<K extends Keyword> {
  readonly kind: K
  readonly node: DockerfileNode
}

/** An error about an instruction, in BuildKit's words; it points at `at`, or at the whole instruction. */
export function malformed(at: DockerfileNode | Token | SourceSpan, message: string, details: ErrorDetails = {}): Error {
  return fail('DOCKERFILE_INVALID', message, { span: 'span' in at ? at.span : at, ...details })
}

/** The arguments of an instruction that needs some. */
export function atLeastOne(node: DockerfileNode, keyword: string): readonly Token[] {
  if (node.args.length === 0) throw malformed(node, `${keyword} requires at least one argument`)
  return node.args
}

/** The argument of an instruction that takes one. */
export function exactlyOne(node: DockerfileNode, keyword: string): Token {
  const [only, more] = node.args
  if (!only || more) throw malformed(node, `${keyword} requires exactly one argument`)
  return only
}

/** What the comment above says of a name: the rest of the first line that begins with it. */
export function describedAs(node: DockerfileNode, name: string): string | undefined {
  if (name === '') return undefined
  return node.comments.find(({ text }) => text.startsWith(`${name} `))?.text.slice(name.length + 1)
}
