import type { SourceFile, SourceSpan } from '../../../core/index.ts'

/** What a call of `build --call` prints. */
export interface Answer {
  out: string
  /** For standard error. */
  err?: string
  code: number
}

/** Lines of the Dockerfile in BuildKit's JSON: a range for each of them. */
export function locationOf({ line, endLine }: SourceSpan): { ranges: object[] } {
  const lines = Array.from({ length: Math.max(endLine - line, 0) + 1 }, (_, i) => line + i)
  return { ranges: lines.map((line) => ({ start: { line }, end: { line } })) }
}

/** A Dockerfile in BuildKit's JSON. */
export function base64Of({ text }: SourceFile): string {
  return Buffer.from(text).toString('base64')
}
