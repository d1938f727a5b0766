const NAMED: Record<string, string> = {
  '\x07': '\\a',
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\v': '\\v',
  '\\': '\\\\',
  '"': '\\"',
}

/**
 * Go's `%q` of a string, as it stands in error messages and in image histories. Letters, marks, numbers, punctuation and
 * symbols of any script stay as they are; what cannot be printed becomes `\x01`, `\u0085` or `\U000e0001`.
 */
export function quoteGo(text: string): string {
  if (/^[\x20\x21\x23-\x5b\x5d-\x7e]*$/.test(text)) return `"${text}"`
  let quoted = ''
  for (const char of text) quoted += quoteChar(char)
  return `"${quoted}"`
}

/** Go's `%q` of a list: `["a" "b"]`. */
export function quoteGoList(texts: readonly string[]): string {
  return `[${texts.map(quoteGo).join(' ')}]`
}

function quoteChar(char: string): string {
  const named = NAMED[char]
  if (named !== undefined) return named
  const code = char.codePointAt(0)!
  if (code < 0x20 || code === 0x7f) return `\\x${hex(code, 2)}`
  if (code >= 0xd800 && code <= 0xdfff) return '\ufffd'
  if (code === 0x20 || /[\p{L}\p{M}\p{N}\p{P}\p{S}]/u.test(char)) return char
  return code < 0x10000 ? `\\u${hex(code, 4)}` : `\\U${hex(code, 8)}`
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0')
}
