import type { DockerfileNode } from '../../dockerfile/index.ts'
import { dockerPage, type NodeRule } from '../rule.ts'

/** A comment right above ARG or a named FROM that does not begin with the name, and so describes nothing. */
export const invalidDefinitionDescription: NodeRule = {
  name: 'InvalidDefinitionDescription',
  description:
    'Comment for build stage or argument should follow the format: `# <arg/stage name> <description>`. If this is not intended to be a description comment, add an empty line or comment between the instruction and the comment.',
  url: dockerPage('invalid-definition-description'),
  experimental: true,
  about: 'node',
  check(node) {
    const names = definedNames(node)
    const comment = node.comments.at(-1)
    if (!comment || names.length === 0 || names.includes(comment.text.split(' ', 1)[0]!)) return []
    const example = names.length > 1 ? '<arg_key>' : names[0]
    const keyword = node.keyword.text.toUpperCase()
    const message = `Comment for ${keyword} should follow the format: \`# ${example} <description>\``
    return [{ message, span: node.span }]
  },
}

function definedNames({ keyword, args, declarations = [] }: DockerfileNode): string[] {
  switch (keyword.text.toLowerCase()) {
    case 'from':
      return args.length === 3 ? [args[2]!.text.toLowerCase()] : []
    case 'arg':
      return declarations.map(({ name }) => name.text)
    default:
      return []
  }
}
