/**
 * Characters that a terminal obeys instead of showing: C0 and C1 controls, and those that reorder or hide text. What
 * comes from images, registries and build logs may contain them to rewrite the screen or to look like another name.
 */
const OBEYED = /[\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g

/** A name from outside on one line: controls become visible escapes (`\x1b`, `\n`, `\u202e`). */
export function escapeName(text: string): string {
  return text.replace(OBEYED, showEscape)
}

/** A message from outside: like `escapeName`, but newlines and tabs stay. */
export function escapeMessage(text: string): string {
  return text.replace(OBEYED, (character) =>
    character === '\n' || character === '\t' ? character : showEscape(character),
  )
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' }

function showEscape(character: string): string {
  const code = character.charCodeAt(0)
  const hex = code.toString(16)
  return SHORT[character] ?? (code > 0xff ? `\\u${hex.padStart(4, '0')}` : `\\x${hex.padStart(2, '0')}`)
}

/** Escape sequences: CSI, OSC and other strings up to their end, and two-character ones. Each alternative is linear. */
const SEQUENCE = /\x1b(?:\[[0-?]*[ -/]*[@-~]|[\]PX^_][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])|\x9b[0-?]*[ -/]*[@-~]/g
const COLOR = /^\x1b\[[0-9;:]*m$/

/**
 * A line of a log as a terminal would leave it: escape sequences are gone (colours stay with `colors`), what a
 * carriage return overwrote is gone, other controls are dropped; tabs stay.
 */
export function cleanLogLine(line: string, options: { colors?: boolean } = {}): string {
  const shown = line.replace(SEQUENCE, (sequence) => (options.colors && COLOR.test(sequence) ? sequence : ''))
  const last = shown.replace(/\r+$/, '')
  return last
    .slice(last.lastIndexOf('\r') + 1)
    .replace(OBEYED, (character) => keepInLog(character, options.colors === true))
}

function keepInLog(character: string, colors: boolean): string {
  return character === '\t' || (colors && character === '\x1b') ? character : ''
}
