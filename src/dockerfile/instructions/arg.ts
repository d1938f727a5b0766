import type { Declaration, DockerfileNode } from '../node.ts'
import { atLeastOne, describedAs, type InstructionBase, malformed } from './malformed.ts'

/** `ARG name[=default]...`. Names and defaults may hold variables, quotes and escapes. */
export interface ArgInstruction extends InstructionBase<'arg'> {
  readonly declarations: readonly DescribedDeclaration[]
}

/** A build argument. */
export interface DescribedDeclaration extends Declaration {
  /** What the comment above says of it: `# name description`. */
  readonly description?: string
}

/** Understands ARG. Flags in front of its words are overlooked, as in BuildKit. */
export function parseArg(node: DockerfileNode): ArgInstruction {
  atLeastOne(node, 'ARG')
  const declarations = node.declarations!.map((declaration) => {
    const { name } = declaration
    if (name.text === '') throw malformed(name, 'ARG names can not be blank')
    const description = describedAs(node, name.text)
    return description === undefined ? declaration : { ...declaration, description }
  })
  return { kind: 'arg', node, declarations }
}
