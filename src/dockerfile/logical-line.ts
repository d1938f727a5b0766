import type { SourceFile, SourceSpan } from '../core/index.ts'

/**
 * The lines of one instruction, joined at their continuations as BuildKit reads them. Offsets into `text` lead back to
 * the file by `spanIn`.
 */
export interface LogicalLine {
  readonly source: SourceFile
  readonly text: string
  /** Where stretches of `text` come from, by rising offset; each one lies on one line of the file. */
  readonly pieces: readonly LinePiece[]
}

/** A stretch of a line: the offset in the joined text, and the line and column of its first character. */
export interface LinePiece {
  readonly at: number
  readonly line: number
  readonly column: number
}

/** A part of a logical line: offsets, the end exclusive. */
export interface Range {
  readonly start: number
  readonly end: number
}

/** A part of an instruction: what it means, and where it is written. */
export interface Token {
  /** Without quotes and escapes that the parser removes; of a JSON string, the value. */
  readonly text: string
  readonly span: SourceSpan
}

/** The place in the file of a part of a logical line. An empty part is a place between two characters. */
export function spanIn(line: LogicalLine, { start, end }: Range): SourceSpan {
  const from = positionOf(line, start)
  const to = end > start ? positionOf(line, end - 1) : from
  return {
    source: line.source,
    line: from.line,
    column: from.column,
    endLine: to.line,
    endColumn: to.column + (end > start ? 1 : 0),
  }
}

/** A token whose text is written as it is meant. */
export function tokenIn(line: LogicalLine, range: Range, text?: string): Token {
  return { text: text ?? line.text.slice(range.start, range.end), span: spanIn(line, range) }
}

function positionOf(line: LogicalLine, offset: number): { line: number; column: number } {
  let low = 0
  let high = line.pieces.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (line.pieces[middle]!.at <= offset) low = middle
    else high = middle - 1
  }
  const piece = line.pieces[low]!
  return { line: piece.line, column: piece.column + offset - piece.at }
}

/** The text of a span as it stands in the file. */
export function textOf({ source, line, column, endLine, endColumn }: SourceSpan): string {
  const starts = lineStartsOf(source)
  return source.text.slice((starts[line - 1] ?? 0) + column - 1, (starts[endLine - 1] ?? 0) + endColumn - 1)
}

const LINE_STARTS = new WeakMap<SourceFile, readonly number[]>()

/** Offsets at which the lines of a file begin. */
function lineStartsOf(source: SourceFile): readonly number[] {
  const known = LINE_STARTS.get(source)
  if (known) return known
  const starts = [0]
  for (let at = source.text.indexOf('\n'); at >= 0; at = source.text.indexOf('\n', at + 1)) starts.push(at + 1)
  LINE_STARTS.set(source, starts)
  return starts
}
