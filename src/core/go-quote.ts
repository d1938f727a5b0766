/** What Go writes for characters that have an escape of one letter, in its string and character constants. */
export const GO_ESCAPES: ReadonlyMap<string, string> = new Map([
  ['\x07', '\\a'],
  ['\b', '\\b'],
  ['\f', '\\f'],
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
  ['\v', '\\v'],
])

const PRINTABLE = /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u

/** How to quote. */
export interface GoQuoteOptions {
  /** Escape all that is not ASCII, as `%+q` does. */
  ascii?: boolean
  /** `'` for a character constant. */
  mark?: '"' | "'"
}

/**
 * Go's `%q` of a string (`strconv.Quote`), as it stands in error messages, image histories and templates. Letters, marks,
 * numbers, punctuation and symbols of any script stay as they are; what cannot be printed becomes `\x01`, `\u0085` or
 * `\U000e0001`.
 */
export function quoteGo(text: string, { ascii = false, mark = '"' }: GoQuoteOptions = {}): string {
  let quoted: string = mark
  for (const character of text) quoted += escapeCharacter(character, mark, ascii)
  return quoted + mark
}

/** Go's `%q` of a list: `["a" "b"]`. */
export function quoteGoList(texts: readonly string[]): string {
  return `[${texts.map((text) => quoteGo(text)).join(' ')}]`
}

/** Whether Go's `unicode.IsPrint` holds: letters, marks, numbers, punctuation, symbols and the ASCII space. */
export function isGoPrintable(character: string): boolean {
  return PRINTABLE.test(character)
}

function escapeCharacter(character: string, mark: string, ascii: boolean): string {
  if (character === mark || character === '\\') return `\\${character}`
  const code = character.codePointAt(0)!
  if (code >= 0x20 && code < 0x7f) return character
  const named = GO_ESCAPES.get(character)
  if (named !== undefined) return named
  if (code < 0x80) return `\\x${hex(code, 2)}`
  // Half a surrogate pair is no character: Go holds U+FFFD in its place.
  if (code >= 0xd800 && code <= 0xdfff) return ascii ? '\\ufffd' : '\ufffd'
  if (!ascii && isGoPrintable(character)) return character
  return code > 0xffff ? `\\U${hex(code, 8)}` : `\\u${hex(code, 4)}`
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0')
}
