import { GO_ESCAPES } from '../../core/index.ts'

const UNSHORT: ReadonlyMap<string, string> = new Map(
  [...GO_ESCAPES].map(([character, written]) => [written[1]!, character]),
)
/**
 * The text of a Go string or raw string literal with its quotes, or undefined when it is not one.
 * Escapes of single bytes (`\xff`, `\377`) are joined and read as UTF-8.
 */
export function unquote(literal: string): string | undefined {
  const body = literal.slice(1, -1)
  if (literal[0] === '`') return body.replaceAll('\r', '')
  if (!body.includes('\\')) return body
  const parts: Buffer[] = []
  for (let i = 0; i < body.length; ) {
    const next = body[i] === '\\' ? readEscape(body, i, literal[0]!) : readPlain(body, i)
    if (!next) return undefined
    parts.push(next.bytes)
    i = next.end
  }
  return Buffer.concat(parts).toString('utf8')
}

function readPlain(body: string, start: number): { bytes: Buffer; end: number } {
  const backslash = body.indexOf('\\', start)
  const end = backslash < 0 ? body.length : backslash
  return { bytes: Buffer.from(body.slice(start, end), 'utf8'), end }
}

function readEscape(body: string, start: number, mark: string): { bytes: Buffer; end: number } | undefined {
  const kind = body[start + 1]
  if (kind === undefined) return undefined
  const short = UNSHORT.get(kind) ?? (kind === '\\' || kind === mark ? kind : undefined)
  if (short !== undefined) return { bytes: Buffer.from(short, 'latin1'), end: start + 2 }
  const match = /^\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-7]{3}))/.exec(
    body.slice(start, start + 10),
  )
  if (!match) return undefined
  const end = start + match[0].length
  const byte = match[1] ? Number.parseInt(match[1], 16) : match[4] ? Number.parseInt(match[4], 8) : undefined
  if (byte !== undefined) return byte > 255 ? undefined : { bytes: Buffer.from([byte]), end }
  const code = Number.parseInt(match[2] ?? match[3]!, 16)
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined
  return { bytes: Buffer.from(String.fromCodePoint(code), 'utf8'), end }
}

/** A number of the template's text: what it is as an integer, and as a float. `undefined` where it is not one. */
export interface NumberLiteral {
  text: string
  integer: number | bigint | undefined
  float: number | undefined
}

const INTEGER = /^[+-]?(?:0[xX](?:_?[0-9a-fA-F])+|0[oO]?(?:_?[0-7])+|0[bB](?:_?[01])+|0|[1-9](?:_?[0-9])*)$/
const DECIMAL = /^[+-]?(?:[0-9]+(?:_[0-9]+)*)?(?:\.(?:[0-9]+(?:_[0-9]+)*)?)?(?:[eE][+-]?[0-9]+)?$/

/** Reads a Go number as `text/template` does (`strconv` with base 0), or undefined when its syntax is wrong. */
export function parseNumber(text: string): NumberLiteral | 'overflow' | undefined {
  const integer = INTEGER.test(text) ? toInteger(text) : undefined
  if (integer !== undefined) return { text, integer, float: Number(integer) }
  const float = DECIMAL.test(text) && /[0-9]/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  if (!Number.isFinite(float)) return undefined
  if (!/[.eE]/.test(text)) return 'overflow'
  // A float that is whole counts as an integer too: {{index .List 1.0}}.
  return { text, integer: Number.isSafeInteger(float) ? float : undefined, float }
}

function toInteger(text: string): number | bigint | undefined {
  const negative = text.startsWith('-')
  const digits = text
    .replace(/^[+-]/, '')
    .replaceAll('_', '')
    .replace(/^0(?=[0-7])/, '0o')
  const value = negative ? -BigInt(digits) : BigInt(digits)
  if (value > 0xffff_ffff_ffff_ffffn || value < -0x8000_0000_0000_0000n) return undefined
  return shrink(value)
}

/** A JavaScript number where it is exact, a bigint otherwise. */
export function shrink(value: bigint): number | bigint {
  return value >= BigInt(Number.MIN_SAFE_INTEGER) && value <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(value) : value
}

/** The code point of a Go character constant with its quotes (`'a'`, `'\n'`), or undefined when malformed. */
export function parseRune(literal: string): number | undefined {
  const text = unquote(literal)
  const code = text?.codePointAt(0)
  return code !== undefined && String.fromCodePoint(code).length === text!.length ? code : undefined
}
