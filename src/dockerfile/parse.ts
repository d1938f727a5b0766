import { fail, type SourceFile, type SourceSpan } from '../core/index.ts'
import { checkEscape, type Directive, isDirectiveName, matchDirective } from './directives.ts'
import { type HeredocWord, heredocWordsOf, takesHeredocs } from './heredoc.ts'
import { LineReader, type PhysicalLine, spanOfLine, spanOfLines } from './line-reader.ts'
import { located } from './locate.ts'
import type { LinePiece, LogicalLine, Token } from './logical-line.ts'
import type { DockerfileNode, Heredoc } from './node.ts'
import { readNode } from './read-node.ts'
import { isSpace, trimSpace } from './space.ts'

/** Something odd that is no error. */
export interface ParseWarning {
  readonly message: string
  /** The line that BuildKit names. */
  readonly span: SourceSpan
  /** The lines that cause it. */
  readonly lines: readonly SourceSpan[]
}

/** A Dockerfile as instructions in a row, each cut into words. */
export interface SyntaxTree {
  readonly source: SourceFile
  readonly nodes: readonly DockerfileNode[]
  readonly directives: readonly Directive[]
  /** The escape character. */
  readonly escape: string
  readonly warnings: readonly ParseWarning[]
}

/**
 * Cuts a Dockerfile into instructions as BuildKit's parser does. Unknown instructions are no error yet.
 * Fails with `DOCKERFILE_INVALID` (or `VARIABLE_INVALID` for the name of a here-document), in BuildKit's words.
 */
export function parse(source: SourceFile): SyntaxTree {
  return new Parser(source).parse()
}

class Parser {
  readonly #source: SourceFile
  readonly #reader: LineReader
  readonly #directives: Directive[] = []
  readonly #nodes: DockerfileNode[] = []
  readonly #warnings: ParseWarning[] = []
  #comments: Token[] = []
  #escape = '\\'
  #inDirectives = true

  constructor(source: SourceFile) {
    this.#source = source
    this.#reader = new LineReader(source)
  }

  parse(): SyntaxTree {
    for (let line = this.#reader.next(); line; line = this.#reader.next()) {
      const indent = leadingSpace(line.text)
      if (line.text[indent] === '#') this.#readComment(line, indent)
      else this.#inDirectives = false
      const first = this.#cutContinuation(line.text)
      if (line.text[indent] === '#' || (!first.continues && indent === line.text.length)) continue
      this.#readInstruction(line, indent, first)
    }
    const { tooLong, last } = this.#reader
    if (this.#nodes.length === 0) {
      throw this.#error('file with no instructions', spanOfLine(this.#source, last))
    }
    if (tooLong)
      throw this.#error('dockerfile line greater than max allowed size of 65535', spanOfLine(this.#source, tooLong))
    return {
      source: this.#source,
      nodes: this.#nodes,
      directives: this.#directives,
      escape: this.#escape,
      warnings: this.#warnings,
    }
  }

  #readComment(line: PhysicalLine, indent: number): void {
    if (this.#inDirectives && this.#readDirective(line, indent)) {
      this.#comments = []
      return
    }
    // The first character goes, `#` or not: the text of an indented comment keeps its `#`.
    const text = trimSpace(line.text.slice(1))
    if (text === '') this.#comments = []
    else this.#comments.push({ text, span: spanOfLine(this.#source, line, indent) })
  }

  /** Whether the line is a directive. The first comment that does not even look like one ends the directives. */
  #readDirective(line: PhysicalLine, indent: number): boolean {
    const match = matchDirective(line.text.slice(indent), '#')
    if (!match) this.#inDirectives = false
    if (!match || !isDirectiveName(match.name)) return false
    const start = indent + match.valueAt
    const span = spanOfLine(this.#source, line, start, start + match.value.length)
    const directive: Directive = { name: match.name, text: match.value, span }
    if (this.#directives.some(({ name }) => name === match.name)) {
      throw this.#error(`only one ${match.name} parser directive can be used`, spanOfLine(this.#source, line, indent))
    }
    if (directive.name === 'escape') this.#escape = checkEscape(directive)
    this.#directives.push(directive)
    return true
  }

  #readInstruction(line: PhysicalLine, indent: number, first: Cut): void {
    const logical = this.#joinLines(line, indent, first)
    const inLines = spanOfLines(this.#source, line, this.#reader.last, indent)
    try {
      const range = { start: 0, end: logical.text.length }
      const node = readNode(logical, range, { escape: this.#escape, depth: 0 })
      const heredocs =
        takesHeredocs(node) && logical.text.includes('<<') ? this.#readHeredocs(logical.text, inLines) : []
      const span = spanOfLines(this.#source, line, this.#reader.last, indent)
      this.#nodes.push({ ...node, heredocs, span, comments: this.#comments })
      this.#comments = []
    } catch (error) {
      throw located(error, inLines)
    }
  }

  /** Takes lines as long as they go on. Comment lines and empty ones are left out; the latter earn a warning. */
  #joinLines(line: PhysicalLine, indent: number, first: Cut): LogicalLine {
    const start = Math.min(indent, first.end)
    const texts = [line.text.slice(start, first.end)]
    const pieces: LinePiece[] = [{ at: 0, line: line.number, column: line.column + start }]
    const empty: SourceSpan[] = []
    let length = texts[0]!.length
    for (let continues = first.continues; continues; ) {
      const next = this.#reader.next()
      if (!next) break
      const visible = leadingSpace(next.text)
      if (visible === next.text.length) empty.push(spanOfLine(this.#source, next))
      if (visible === next.text.length || next.text[visible] === '#') continue
      const cut = this.#cutContinuation(next.text)
      texts.push(next.text.slice(0, cut.end))
      if (cut.end > 0) pieces.push({ at: length, line: next.number, column: next.column })
      length += cut.end
      continues = cut.continues
    }
    const text = texts.join('')
    if (empty.length > 0) this.#warn(text, empty)
    return { source: this.#source, text, pieces }
  }

  #warn(text: string, lines: readonly SourceSpan[]): void {
    const span = spanOfLine(this.#source, this.#reader.last)
    this.#warnings.push({ message: `Empty continuation line found in: ${text}`, span, lines })
  }

  /** A line goes on if its last visible character is an escape that is not escaped itself. */
  #cutContinuation(text: string): Cut {
    let end = text.length
    while (end > 0 && (text[end - 1] === ' ' || text[end - 1] === '\t')) end--
    const continues = text[end - 1] === this.#escape && text[end - 2] !== this.#escape
    return continues ? { continues, end: end - 1 } : { continues, end: text.length }
  }

  #readHeredocs(text: string, announced: SourceSpan): Heredoc[] {
    return heredocWordsOf(text).map((word) => this.#readHeredoc(word, announced))
  }

  #readHeredoc(word: HeredocWord, announced: SourceSpan): Heredoc {
    const lines: string[] = []
    let first: PhysicalLine | undefined
    for (let line = this.#reader.next(); line; line = this.#reader.next()) {
      first ??= line
      const text = word.chomp ? line.text.replace(/^\t+/, '') : line.text
      if (text === word.name) {
        return { ...word, content: lines.join(''), span: spanOfLines(this.#source, first, line) }
      }
      lines.push(line.raw)
    }
    throw fail('DOCKERFILE_INVALID', 'unterminated heredoc', {
      span: announced,
      hint: `End the here-document with a line that reads ${word.name}.`,
    })
  }

  #error(message: string, span: SourceSpan): Error {
    return fail('DOCKERFILE_INVALID', message, { span })
  }
}

/** What of a line belongs to the instruction, and whether the next line does. */
interface Cut {
  continues: boolean
  end: number
}

function leadingSpace(text: string): number {
  let at = 0
  while (at < text.length && isSpace(text.charCodeAt(at))) at++
  return at
}
