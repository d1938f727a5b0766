import { fail, type SourceFile, type SourceSpan } from '../core/index.ts'
import { cleanPath } from './path.ts'
import { trimSpace } from './space.ts'

/** One line of `.dockerignore`. */
export interface IgnorePattern {
  /** Cleaned, relative to the context, with `!` in front if it brings files back. */
  readonly text: string
  /** As it is written in the file; absent for a pattern that stands in no file. */
  readonly span?: SourceSpan
}

const MAX_LINE_BYTES = 65536

/**
 * Reads a `.dockerignore`: `#` in the first column begins a comment, white space around a pattern does not count, a
 * leading slash means the root of the context. Fails with `PATTERN_INVALID` for a line of 64 KiB or more.
 */
export function parseIgnore(source: SourceFile): IgnorePattern[] {
  return source.text
    .replace(/^\ufeff/, '')
    .split('\n')
    .map((line, index) => readLine(source, line, index))
    .filter((pattern) => pattern !== undefined)
}

function readLine(source: SourceFile, line: string, index: number): IgnorePattern | undefined {
  if (line.length * 3 >= MAX_LINE_BYTES && Buffer.byteLength(line) >= MAX_LINE_BYTES) {
    const place = { source, line: index + 1, column: 1, endLine: index + 1, endColumn: 2 }
    throw fail('PATTERN_INVALID', `error reading ${source.name}: line ${index + 1} is too long`, { span: place })
  }
  const text = trimSpace(line)
  if (line.startsWith('#') || text === '') return undefined
  const isException = text.startsWith('!')
  const path = isException ? trimSpace(text.slice(1)) : text
  const clean = path === '' ? '' : cleanPath(path)
  const relative = clean.length > 1 && clean.startsWith('/') ? clean.slice(1) : clean
  // A byte order mark in front of the first line is a column of it.
  const column = line.indexOf(text) + 1 + (index === 0 && source.text.startsWith('\ufeff') ? 1 : 0)
  const span = { source, line: index + 1, column, endLine: index + 1, endColumn: column + text.length }
  return { text: (isException ? '!' : '') + relative, span }
}
