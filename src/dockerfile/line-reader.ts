import type { SourceFile, SourceSpan } from '../core/index.ts'

/** One line of a file. */
export interface PhysicalLine {
  /** Without its line end. */
  readonly text: string
  /** With its line end. */
  readonly raw: string
  readonly number: number
  /** Column of the first character: 2 after a byte order mark, else 1. */
  readonly column: number
}

/** Bytes of a line without `\n`: the buffer of BuildKit's scanner. */
const MAX_LINE_BYTES = 65535

/** Hands out the lines of a file. It ends before a line that is too long, as BuildKit's scanner does. */
export class LineReader {
  /** The line handed out last; before the first one, an empty line 1. */
  last: PhysicalLine = { text: '', raw: '', number: 1, column: 1 }
  /** The line that was too long, when it was met. */
  tooLong: PhysicalLine | undefined
  readonly #text: string
  #at: number
  #number = 0

  constructor(source: SourceFile) {
    this.#text = source.text
    this.#at = source.text.startsWith('\ufeff') ? 1 : 0
  }

  next(): PhysicalLine | undefined {
    if (this.tooLong || this.#at >= this.#text.length) return undefined
    const newline = this.#text.indexOf('\n', this.#at)
    const end = newline < 0 ? this.#text.length : newline + 1
    const raw = this.#text.slice(this.#at, end)
    const column = this.#number === 0 ? this.#at + 1 : 1
    const line = { text: withoutLineEnd(raw), raw, number: ++this.#number, column }
    if (isTooLong(newline < 0 ? raw : raw.slice(0, -1))) {
      this.tooLong = line
      return undefined
    }
    this.#at = end
    this.last = line
    return line
  }
}

function isTooLong(text: string): boolean {
  if (text.length * 3 <= MAX_LINE_BYTES) return false
  return text.length > MAX_LINE_BYTES || Buffer.byteLength(text) > MAX_LINE_BYTES
}

/** All of `\r` and `\n` at the end go. */
function withoutLineEnd(raw: string): string {
  let end = raw.length
  while (end > 0 && (raw[end - 1] === '\n' || raw[end - 1] === '\r')) end--
  return raw.slice(0, end)
}

/** A line, or the part between two offsets of its text. */
export function spanOfLine(
  source: SourceFile,
  line: PhysicalLine,
  start = 0,
  end: number = line.text.length,
): SourceSpan {
  return {
    source,
    line: line.number,
    column: line.column + start,
    endLine: line.number,
    endColumn: line.column + end,
  }
}

/** All of the lines from one to another, the first without its indentation. */
export function spanOfLines(source: SourceFile, first: PhysicalLine, last: PhysicalLine, indent = 0): SourceSpan {
  return {
    source,
    line: first.number,
    column: first.column + indent,
    endLine: last.number,
    endColumn: last.column + last.text.length,
  }
}
