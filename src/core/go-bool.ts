import { quoteGo } from './go-quote.ts'

const TRUE = ['1', 't', 'T', 'TRUE', 'true', 'True']
const FALSE = ['0', 'f', 'F', 'FALSE', 'false', 'False']

/** A truth as Go's `strconv.ParseBool` reads it; `undefined` for a text that is none. */
export function parseGoBool(text: string): boolean | undefined {
  if (TRUE.includes(text)) return true
  return FALSE.includes(text) ? false : undefined
}

/** What Go says of a text that is no truth. */
export function notGoBool(text: string): string {
  return `strconv.ParseBool: parsing ${quoteGo(text)}: invalid syntax`
}
