import { quoteGo } from '../../core/index.ts'
import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { parseFlags } from './flags.ts'
import { describedAs, type InstructionBase, malformed } from './malformed.ts'

/** `FROM [--platform=p] base [AS name]`: begins a stage. */
export interface FromInstruction extends InstructionBase<'from'> {
  /** An image, a stage, a named context or `scratch`; may hold variables. */
  readonly base: Token
  /** May hold variables. */
  readonly platform?: Token
  /** As written; stages are found by it in lower case. */
  readonly alias?: Token
  /** What the comment above says of the stage: `# name description`. */
  readonly description?: string
}

/** Understands FROM. */
export function parseFrom(node: DockerfileNode): FromInstruction {
  const [base, as, alias] = node.args
  const isNamed = node.args.length === 3 && as!.text.toLowerCase() === 'as'
  if (!base || (node.args.length !== 1 && !isNamed)) {
    throw malformed(node, 'FROM requires either one or three arguments')
  }
  if (alias) checkName(alias)
  const { platform } = parseFlags(node, { platform: 'string' })
  const description = alias && describedAs(node, alias.text.toLowerCase())
  return {
    kind: 'from',
    node,
    base,
    // as in BuildKit, an empty one is none
    ...(platform?.text ? { platform } : {}),
    ...(alias ? { alias } : {}),
    ...(description === undefined ? {} : { description }),
  }
}

function checkName(alias: Token): void {
  if (/^[a-z][a-z0-9-_.]*$/.test(alias.text.toLowerCase())) return
  const name = quoteGo(alias.text)
  throw malformed(alias, `invalid name for build stage: ${name}, name can't start with a number or contain symbols`)
}
