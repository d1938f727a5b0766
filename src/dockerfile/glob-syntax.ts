/** One place in a pattern of `.dockerignore`; a pattern is a plain sequence of them. */
export type GlobPart =
  /** One character out of a set. */
  | { readonly kind: 'one'; readonly has: CharSet }
  /** Any number of characters out of a set. */
  | { readonly kind: 'many'; readonly has: CharSet }
  /** Nothing, or anything that ends with a slash: `**` between directories. */
  | { readonly kind: 'directories' }
  /** A condition on the place itself. */
  | { readonly kind: 'at'; readonly place: Place }

/** Beginning or end of the path, or whether a word begins or ends there. */
export type Place = 'start' | 'end' | 'boundary' | 'no-boundary'

/** Whether a set of characters has one, given as a code point. */
export type CharSet = (code: number) => boolean

/** A pattern as the program of a matcher. */
export interface Glob {
  readonly parts: readonly GlobPart[]
  /** False only if `\Q` swallowed the end of the pattern. */
  readonly endsPath: boolean
}

/** Thrown for what Go's regexp package cannot compile. */
export class GlobError extends Error {}

/**
 * Reads a regular expression of the few forms that patterns are translated to. The text of a pattern stands in it
 * unchanged inside of classes and after backslashes, so both are read by the rules of Go's regexp syntax.
 */
export function parseGlob(expression: string): Glob {
  const reader = new Reader(expression)
  // Every path is matched from its beginning on; a second `^` is a condition that the pattern itself holds.
  reader.take('^')
  const parts: GlobPart[] = []
  while (!reader.atEnd) parts.push(...readPart(reader))
  const last = parts.at(-1)
  const endsPath = last?.kind === 'at' && last.place === 'end'
  return { parts: endsPath ? parts.slice(0, -1) : parts, endsPath }
}

class Reader {
  readonly text: string
  at = 0

  constructor(text: string) {
    this.text = text
  }

  get atEnd(): boolean {
    return this.at >= this.text.length
  }

  /** Takes `text` if it comes next. */
  take(text: string): boolean {
    if (!this.text.startsWith(text, this.at)) return false
    this.at += text.length
    return true
  }

  /** Takes one character. */
  next(): number {
    const code = this.text.codePointAt(this.at)
    if (code === undefined) throw new GlobError('unexpected end')
    this.at += code > 0xffff ? 2 : 1
    return code
  }
}

const NOT_NEWLINE: CharSet = (code) => code !== 0x0a
const PLACES: Record<string, Place> = { A: 'start', z: 'end', b: 'boundary', B: 'no-boundary' }

function readPart(reader: Reader): GlobPart[] {
  if (reader.take('(.*/)?')) return [{ kind: 'directories' }]
  if (reader.take('^')) return [{ kind: 'at', place: 'start' }]
  if (reader.take('$')) return [{ kind: 'at', place: 'end' }]
  if (reader.take('\\Q')) return readLiteralText(reader)
  const place = reader.text[reader.at] === '\\' ? PLACES[reader.text[reader.at + 1] ?? ''] : undefined
  if (place) {
    reader.at += 2
    return [{ kind: 'at', place }]
  }
  const has = readSet(reader)
  return [{ kind: reader.take('*') ? 'many' : 'one', has }]
}

function readLiteralText(reader: Reader): GlobPart[] {
  const end = reader.text.indexOf('\\E', reader.at)
  const text = reader.text.slice(reader.at, end < 0 ? undefined : end)
  reader.at = end < 0 ? reader.text.length : end + 2
  return Array.from(text, (char) => ({ kind: 'one', has: exactly(char.codePointAt(0)!) }))
}

function readSet(reader: Reader): CharSet {
  if (reader.take('.')) return NOT_NEWLINE
  if (reader.take('[')) return readClass(reader)
  return readClassEscape(reader) ?? exactly(readChar(reader))
}

/** From behind the bracket to behind the one that closes. */
function readClass(reader: Reader): CharSet {
  const negated = reader.take('^')
  const sets: CharSet[] = []
  for (let first = true; first || !reader.take(']'); first = false) {
    sets.push(readNamedClass(reader) ?? readClassEscape(reader) ?? readRange(reader))
  }
  return (code) => sets.some((has) => has(code)) !== negated
}

function readRange(reader: Reader): CharSet {
  const low = readChar(reader)
  const { text, at } = reader
  // `[a-]` is an `a` or a `-`.
  if (text[at] !== '-' || at + 1 >= text.length || text[at + 1] === ']') return exactly(low)
  reader.at++
  const high = readChar(reader)
  if (high < low) throw new GlobError('invalid character class range')
  return (code) => code >= low && code <= high
}

const NAMED_CLASSES: Record<string, RegExp> = {
  alnum: /[0-9A-Za-z]/,
  alpha: /[A-Za-z]/,
  ascii: /[\x00-\x7f]/,
  blank: /[\t ]/,
  cntrl: /[\x00-\x1f\x7f]/,
  digit: /[0-9]/,
  graph: /[!-~]/,
  lower: /[a-z]/,
  print: /[ -~]/,
  punct: /[!-/:-@[-`{-~]/,
  space: /[\t\n\v\f\r ]/,
  upper: /[A-Z]/,
  word: /[0-9A-Za-z_]/,
  xdigit: /[0-9A-Fa-f]/,
}

/** `[:alpha:]` and `[:^alpha:]` inside of a class. */
function readNamedClass(reader: Reader): CharSet | undefined {
  const { text, at } = reader
  const close = text.startsWith('[:', at) ? text.indexOf(':]', at + 2) : -1
  if (close < 0) return undefined
  const [, negation, name = ''] = /^(\^?)(.*)$/s.exec(text.slice(at + 2, close))!
  if (!Object.hasOwn(NAMED_CLASSES, name)) throw new GlobError('invalid character class range')
  reader.at = close + 2
  return fromRegExp(NAMED_CLASSES[name]!, negation === '^')
}

const CLASS_ESCAPES: Record<string, RegExp> = { d: /[0-9]/, s: /[\t\n\f\r ]/, w: /[0-9A-Za-z_]/ }
const GENERAL_CATEGORIES = 'CLMNPSZ'

/** `\d`, `\D` and their like, and `\pL` for a general category of Unicode. */
function readClassEscape(reader: Reader): CharSet | undefined {
  const { text, at } = reader
  if (text[at] !== '\\' || at + 1 >= text.length) return undefined
  const name = text[at + 1]!
  const lower = name.toLowerCase()
  if (Object.hasOwn(CLASS_ESCAPES, lower)) {
    reader.at += 2
    return fromRegExp(CLASS_ESCAPES[lower]!, name !== lower)
  }
  if (lower !== 'p') return undefined
  const category = text[at + 2] ?? ''
  if (category === '' || !GENERAL_CATEGORIES.includes(category)) throw new GlobError('invalid character class range')
  reader.at += 3
  return fromRegExp(new RegExp(`\\p{${category}}`, 'u'), name === 'P')
}

const CONTROL_ESCAPES: Record<string, number> = { a: 7, f: 12, n: 10, r: 13, t: 9, v: 11 }

/** A character, or an escape that stands for one. */
function readChar(reader: Reader): number {
  const code = reader.next()
  if (code !== 0x5c) return code
  const escaped = reader.next()
  const char = String.fromCodePoint(escaped)
  const digits = reader.text.slice(reader.at - 1)
  if (escaped < 0x80 && !/[0-9A-Za-z]/.test(char)) return escaped
  if (Object.hasOwn(CONTROL_ESCAPES, char)) return CONTROL_ESCAPES[char]!
  const octal = /^(?:0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(digits)?.[0]
  const hex = /^x[0-9A-Fa-f]{2}/.exec(digits)?.[0]
  if (octal === undefined && hex === undefined) throw new GlobError('invalid escape sequence')
  reader.at += (octal ?? hex!).length - 1
  return octal === undefined ? Number.parseInt(hex!.slice(1), 16) : Number.parseInt(octal, 8)
}

function exactly(wanted: number): CharSet {
  return (code) => code === wanted
}

function fromRegExp(pattern: RegExp, negated: boolean): CharSet {
  return (code) => pattern.test(String.fromCodePoint(code)) !== negated
}
