import { quoteGo, quoteGoList } from '../core/index.ts'
import { type DockerfileNode, keywordOf } from './node.ts'
import type { SyntaxTree } from './parse.ts'
import { trimSpace } from './space.ts'

/** BuildKit's print of a tree, one instruction a line: `(from "x" "AS" "y")`. For comparing parsers. */
export function dumpTree(tree: SyntaxTree): string {
  return tree.nodes.map(dumpNode).join('\n')
}

/** BuildKit's print of one instruction, with its parentheses. */
export function dumpNode(node: DockerfileNode): string {
  return `(${trimSpace([node.keyword.text.toLowerCase(), ...dumpFlags(node), ...dumpArguments(node)].join(' '))})`
}

function dumpFlags({ flags }: DockerfileNode): string[] {
  // BuildKit reads flags byte by byte and takes each byte of UTF-8 for a character.
  return flags.length === 0 ? [] : [quoteGoList(flags.map(({ text }) => Buffer.from(text).toString('latin1')))]
}

function dumpArguments(node: DockerfileNode): string[] {
  if (keywordOf(node) === undefined) return ['""']
  if (node.trigger) return [dumpNode(node.trigger)]
  if (!node.pairs) return node.args.map(({ text }) => quoteGo(text))
  return node.pairs.flatMap(({ key, value, legacy }) =>
    [key.text, value.text, legacy ? '' : '='].map((text) => quoteGo(text)),
  )
}
