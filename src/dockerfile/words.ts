import type { Range } from './logical-line.ts'
import { isSpace } from './space.ts'

/** A word in a text: its value, and the offsets between which it is written. */
export interface Word extends Range {
  readonly text: string
}

/** The blanks that end a keyword and part the words of most instructions: `[\t\v\f\r ]`. */
export function isBlank(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d && code !== 0x0a)
}

/** Words parted by blanks, quotes or not: FROM, EXPOSE, and COPY, ADD, VOLUME when they are no JSON. */
export function splitBlanks(text: string, { start, end }: Range): Word[] {
  const words: Word[] = []
  for (let at = start; at < end; ) {
    let stop = at
    while (stop < end && !isBlank(text.charCodeAt(stop))) stop++
    words.push({ text: text.slice(at, stop), start: at, end: stop })
    while (stop < end && isBlank(text.charCodeAt(stop))) stop++
    at = stop
  }
  return words
}

/**
 * Words of ENV, LABEL and ARG: parted by white space that is neither quoted nor escaped. Quotes and escapes stay in the
 * words; only an escape that ends the text is dropped.
 */
export function splitQuoted(text: string, { start, end }: Range, escapeChar: string): Word[] {
  const escapeCode = escapeChar.charCodeAt(0)
  const words: Word[] = []
  let at = start
  for (;;) {
    while (at < end && isSpace(text.charCodeAt(at))) at++
    if (at >= end) return words
    const stop = quotedWordEnd(text, at, end, escapeCode)
    const word = text.slice(at, stop.dropsEscape ? stop.end - 1 : stop.end)
    if (word !== '') words.push({ text: word, start: at, end: stop.end })
    at = stop.end
  }
}

function quotedWordEnd(
  text: string,
  start: number,
  end: number,
  escapeCode: number,
): { end: number; dropsEscape: boolean } {
  let quote = 0
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at)
    if (quote === 0 && isSpace(code)) return { end: at, dropsEscape: false }
    if (code === escapeCode && quote !== 0x27) {
      if (at + 1 === end) return { end, dropsEscape: true }
      at++
    } else if (quote !== 0) {
      if (code === quote) quote = 0
    } else if (code === 0x22 || code === 0x27) quote = code
  }
  return { end, dropsEscape: false }
}

/** A flag: `text` is `--name=value` without quotes and escapes. */
export interface FlagWord extends Word {
  /** Where the part after `=` begins; none without `=`. */
  readonly valueStart?: number
}

/** Takes the flags from the front of `range`; they end at the first word that is none, or at `--`. */
export function splitFlags(text: string, range: Range): { flags: FlagWord[]; rest: Range } {
  const flags: FlagWord[] = []
  let at = range.start
  for (;;) {
    while (at < range.end && isSpace(text.charCodeAt(at))) at++
    if (!text.startsWith('--', at) || at + 2 > range.end) return { flags, rest: { start: at, end: range.end } }
    const flag = readFlag(text, at, range.end)
    at = flag.end
    if (flag.text === '--') return { flags, rest: { start: at, end: range.end } }
    flags.push(flag)
  }
}

/** In flags the escape is a backslash whatever the file says, and quotes may begin anywhere. */
function readFlag(text: string, start: number, end: number): FlagWord {
  let value = ''
  let quote = 0
  let valueStart: number | undefined
  let at = start
  for (; at < end; at++) {
    const code = text.charCodeAt(at)
    if (quote === 0 && isSpace(code)) break
    if (quote !== 0 && code === quote) quote = 0
    else if (quote === 0 && (code === 0x22 || code === 0x27)) quote = code
    else if (code === 0x5c) {
      if (at + 1 < end) value += text[++at]
    } else {
      if (code === 0x3d) valueStart ??= at + 1
      value += text[at]
    }
  }
  return { text: value, start, end: at, ...(valueStart === undefined ? {} : { valueStart }) }
}
