import type { Range } from './logical-line.ts'
import type { Word } from './words.ts'

/** Thrown for a JSON array that holds something else than strings; all other bad JSON is shell form. */
export class NotStringsError extends Error {
  constructor() {
    super('when using JSON array syntax, arrays must be comprised of strings only')
  }
}

/**
 * The strings of a JSON array, each with the offsets of its literal (quotes included), or nothing when the text is no
 * JSON array. Fails with `NotStringsError`.
 */
export function parseJsonForm(text: string, range: Range): Word[] | undefined {
  if (text[range.start] !== '[') return undefined
  const values = parseArray(text.slice(range.start, range.end))
  if (values === undefined) return undefined
  if (values.some((value) => typeof value !== 'string')) throw new NotStringsError()
  return locateStrings(text, range, values as string[])
}

function parseArray(json: string): unknown[] | undefined {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    return undefined
  }
  // Go reads a number that its float64 cannot hold as a mistake in the JSON.
  return Array.isArray(value) && !value.includes(Infinity) && !value.includes(-Infinity) ? value : undefined
}

/** The text is known to be a well-formed array of strings. */
function locateStrings(text: string, range: Range, values: readonly string[]): Word[] {
  let at = range.start + 1
  return values.map((value) => {
    const start = text.indexOf('"', at)
    at = start + 1
    while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1
    at++
    return { text: value.toWellFormed(), start, end: at }
  })
}
