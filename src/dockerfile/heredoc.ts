import { expand } from './expand.ts'
import type { DockerfileNode, Heredoc } from './node.ts'

/** A word `<<name` that announces a here-document. */
export type HeredocWord = Pick<Heredoc, 'name' | 'expand' | 'chomp' | 'fileDescriptor'>

const NOTHING = new Map<string, string>()
/** BuildKit takes `<<` and the name also with blanks between them. */
const ALONE = /^\d*<<-?$/

/**
 * The here-document that a word announces, if it does: `<<EOF`, `<<-EOF`, `3<<"EOF"`.
 * Fails with `VARIABLE_INVALID` when quotes in the name are not closed.
 */
export function parseHeredocWord(word: string): HeredocWord | undefined {
  const match = /^(\d*)<<(-?)[\t\n\f\r ]*([^<]*)$/.exec(word)
  if (!match || match[3] === '') return undefined
  const plain = expand(match[3]!, NOTHING, { keepUnset: true }).words
  const quoted = expand(match[3]!, NOTHING, { keepUnset: true, keepQuotes: true, keepEscapes: true }).words
  if (plain.length !== 1 || quoted.length !== 1) return undefined
  return {
    name: plain[0]!,
    expand: plain[0] === quoted[0],
    chomp: match[2] === '-',
    fileDescriptor: Math.min(Number(match[1]), Number.MAX_SAFE_INTEGER),
  }
}

/** Like `parseHeredocWord`, but a word with broken quotes is no here-document. */
export function tryHeredocWord(word: string): HeredocWord | undefined {
  try {
    return parseHeredocWord(word)
  } catch {
    return undefined
  }
}

/** The here-documents that a line announces, in order. A line whose quotes are broken announces none. */
export function heredocWordsOf(line: string): HeredocWord[] {
  const words = splitLine(line)
  const found: HeredocWord[] = []
  for (let i = 0; i < words.length; i++) {
    const spaced = ALONE.test(words[i]!) && i + 1 < words.length
    const heredoc = parseHeredocWord(spaced ? `${words[i]} ${words[++i]}` : words[i]!)
    if (heredoc) found.push(heredoc)
  }
  return found
}

function splitLine(line: string): readonly string[] {
  try {
    return expand(line, NOTHING, { keepUnset: true, keepQuotes: true, keepEscapes: true, limit: Infinity }).words
  } catch {
    return []
  }
}

/** Whether the instruction may have here-documents: RUN, COPY and ADD that are no JSON, also after ONBUILD. */
export function takesHeredocs(node: DockerfileNode): boolean {
  const isTrigger = node.keyword.text.toLowerCase() === 'onbuild'
  const { keyword, isJson } = (isTrigger && node.trigger) || node
  return ['add', 'copy', 'run'].includes(keyword.text.toLowerCase()) && !isJson
}

/** The body as it is meant: of `<<-` without the tabs at the beginning of lines. */
export function heredocBody({ content, chomp }: Pick<Heredoc, 'content' | 'chomp'>): string {
  return chomp ? content.replace(/^\t+/gm, '') : content
}
