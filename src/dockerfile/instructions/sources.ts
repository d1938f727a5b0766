import { heredocBody, tryHeredocWord } from '../heredoc.ts'
import type { Token } from '../logical-line.ts'
import type { DockerfileNode } from '../node.ts'
import { malformed } from './malformed.ts'

/** A file that stands in the Dockerfile itself as a here-document. */
export interface InlineFile {
  /** The name, which may hold variables. */
  readonly path: Token
  readonly content: string
  /** Whether variables in the content are expanded. */
  readonly expand: boolean
}

/** What COPY and ADD take, and where it goes. All paths may hold variables. */
export interface SourcesAndDestination {
  readonly sources: readonly Token[]
  /** They come after the other sources. */
  readonly files: readonly InlineFile[]
  readonly destination: Token
}

/** Refuses what has no source. */
export function checkSources(node: DockerfileNode, keyword: string): void {
  if (node.args.length >= 2) return
  const reason = 'but only one was provided. Destination could not be determined'
  throw malformed(node, `${keyword} requires at least two arguments, ${reason}`)
}

/** The arguments of COPY and ADD, after `checkSources`. */
export function parseSources(node: DockerfileNode, keyword: string): SourcesAndDestination {
  const destination = node.args.at(-1)!
  if (tryHeredocWord(destination.text)) {
    throw malformed(destination, `${keyword} cannot accept a heredoc as a destination`)
  }
  const sources: Token[] = []
  const files: InlineFile[] = []
  for (const source of node.args.slice(0, -1)) {
    const heredoc = tryHeredocWord(source.text)
    if (!heredoc) {
      sources.push(source)
      continue
    }
    // Of two with one name, the last body counts for both.
    const content = node.heredocs.findLast(({ name }) => name === heredoc.name)?.content ?? ''
    const path = { text: heredoc.name, span: source.span }
    files.push({ path, content: heredocBody({ content, chomp: heredoc.chomp }), expand: heredoc.expand })
  }
  return { sources, files, destination }
}
