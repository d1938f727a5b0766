import type { SourceSpan } from '../core/index.ts'
import type { Token } from './logical-line.ts'

/** A flag in front of the arguments; `text` is the whole `--name=value`. */
export interface Flag extends Token {
  readonly name: string
  /** Absent when there is no `=`. */
  readonly value?: Token
}

/** One `key=value` of ENV or LABEL; `legacy` for the old form `ENV key value`, which has but one. */
export interface KeyValue {
  readonly key: Token
  readonly value: Token
  readonly legacy: boolean
}

/** One word of ARG. */
export interface Declaration {
  readonly name: Token
  /** The default: absent without `=`. */
  readonly value?: Token
}

/** A here-document: what stands below the instruction up to the line `name`. */
export interface Heredoc {
  readonly name: string
  /** Lines with their ends, as written. */
  readonly content: string
  /** False if any part of the name was quoted. */
  readonly expand: boolean
  /** `<<-`: tabs at the beginning of lines do not count. */
  readonly chomp: boolean
  readonly fileDescriptor: number
  /** From the first line of the body to the end of the line with the name. */
  readonly span: SourceSpan
}

/**
 * One instruction as text: cut into words by the rules of its keyword, not yet understood.
 * Its span runs from the first character of its first line to the end of its last one, here-documents included.
 */
export interface DockerfileNode {
  /** As written; its case is free. */
  readonly keyword: Token
  readonly flags: readonly Flag[]
  /** Words, or the one string, or the strings of the JSON form. Empty for ENV, LABEL and ONBUILD. */
  readonly args: readonly Token[]
  readonly isJson: boolean
  /** ENV and LABEL. */
  readonly pairs?: readonly KeyValue[]
  /** ARG: its words, taken apart. */
  readonly declarations?: readonly Declaration[]
  /** The instruction after ONBUILD. */
  readonly trigger?: DockerfileNode
  readonly heredocs: readonly Heredoc[]
  /** The lines of the instruction joined at their continuations, comments left out; without here-documents. */
  readonly text: string
  /** The comment lines above, without `#`. An empty comment line parts what stands above it. */
  readonly comments: readonly Token[]
  readonly span: SourceSpan
}

/** The keywords of the language, in the order of the alphabet. */
export const KEYWORDS = [
  'add',
  'arg',
  'cmd',
  'copy',
  'entrypoint',
  'env',
  'expose',
  'from',
  'healthcheck',
  'label',
  'maintainer',
  'onbuild',
  'run',
  'shell',
  'stopsignal',
  'user',
  'volume',
  'workdir',
] as const

/** A keyword in lower case. */
export type Keyword = (typeof KEYWORDS)[number]

/** The keyword of a node, if it is one of the language. */
export function keywordOf(node: DockerfileNode): Keyword | undefined {
  const name = node.keyword.text.toLowerCase()
  return KEYWORDS.find((keyword) => keyword === name)
}
