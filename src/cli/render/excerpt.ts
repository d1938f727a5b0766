import type { SourceSpan } from '../../core/index.ts'
import { escapeName } from './escape.ts'
import { displayWidth } from './width.ts'

/** Lines longer than this are cut in an excerpt. */
const MAX_LINE = 1000

/**
 * The lines of a file around a span, as BuildKit prints them: `Dockerfile:3`, a rule, the lines with `>>>` at those
 * of the span, a rule. Two lines on each side of a single line, one of several. Ends with a newline.
 */
export function renderExcerpt(span: SourceSpan): string {
  const lines = span.source.text.split('\n')
  if (span.line < 1 || span.line > lines.length) return ''
  const last = Math.min(Math.max(span.endLine, span.line), lines.length)
  const [start, end] = widen(span.line, last, lines.length)
  const rule = '-'.repeat(20)
  let out = `${escapeName(span.source.name)}:${span.line}\n${rule}\n`
  for (let line = start; line <= end; line++) {
    const mark = line >= span.line && line <= last ? '>>>' : '   '
    out += ` ${String(line).padStart(3)} | ${mark} ${showLine(lines[line - 1]!)}\n`
  }
  return `${out}${rule}\n`
}

/** Takes lines on both sides in turn until there are enough; what one side lacks goes to the other. */
function widen(first: number, last: number, count: number): [number, number] {
  const wanted = first === last ? 4 : 2
  let [start, end] = [first, last]
  for (let taken = 0; taken < wanted; taken++) {
    if (start > 1) {
      start--
      taken++
    }
    if (end < count) {
      end++
      taken++
    }
  }
  return [start, end]
}

/**
 * The span itself with carets below it, indented by two: place, line, carets. A span of several lines shows the
 * first. Ends with a newline.
 */
export function renderCaret(span: SourceSpan): string {
  const text = span.source.text.split('\n')[span.line - 1] ?? ''
  const end = span.endLine > span.line ? text.length + 1 : span.endColumn
  const number = String(span.line)
  const margin = ' '.repeat(number.length)
  const before = showLine(text.slice(0, span.column - 1))
  const marked = showLine(text.slice(span.column - 1, Math.max(end - 1, span.column)))
  const carets = ' '.repeat(displayWidth(before)) + '^'.repeat(Math.max(displayWidth(marked), 1))
  const place = `${escapeName(span.source.name)}:${span.line}:${span.column}`
  return `  ${place}\n  ${number} | ${showLine(text)}\n  ${margin} | ${carets}\n`
}

function showLine(line: string): string {
  return escapeName(line.slice(0, MAX_LINE).replace(/\r$/, '').replaceAll('\t', '    '))
}
