import { fail } from '../core/index.ts'

/** A pattern of `${name#pattern}`: pieces of literal characters and `?`, with `*` between them. */
export interface ShellPattern {
  /** Never empty: `a*b` has two pieces, `a` one, `*` two empty ones. Characters as code points, `ANY` for `?`. */
  readonly pieces: readonly (readonly number[])[]
}

/** Stands for `?` in a piece: one character that is not a newline. */
const ANY = -1
const NEWLINE = 0x0a
/** Comparisons of characters that one substitution may take: a pattern made to be slow ends here. */
const MAX_STEPS = 1 << 26

/**
 * Compiles a pattern. `*`, `?` and `\` are special, `\` only before these three; before `}` and `/` it only hides them
 * from the `${}` around. Fails with `VARIABLE_INVALID` for any other escape.
 */
export function compileShellPattern(pattern: readonly number[]): ShellPattern {
  const pieces: number[][] = [[]]
  for (let i = 0; i < pattern.length; i++) {
    const char = String.fromCodePoint(pattern[i]!)
    const piece = pieces[pieces.length - 1]!
    if (char === '*') pieces.push([])
    else if (char === '?') piece.push(ANY)
    else if (char !== '\\') piece.push(pattern[i]!)
    else if (isOneOf(pattern[i + 1], '*?\\')) piece.push(pattern[++i]!)
    else if (!isOneOf(pattern[i + 1], '}/')) throw badEscape(pattern, pattern[i + 1])
  }
  return { pieces }
}

/** The end of the match that begins at `start`: the longest one if `greedy`, else the shortest. */
function matchAt(pattern: ShellPattern, text: Text, start: number, greedy: boolean): number | undefined {
  const [first, ...rest] = pattern.pieces
  if (!pieceAt(first!, text, start)) return undefined
  let at = start + first!.length
  for (const [i, piece] of rest.entries()) {
    // A `*` matches no newline, so the next piece begins on this line. The earliest place leaves most room for the
    // others; only the last piece decides how long the whole match is.
    const isLast = i === rest.length - 1
    const found = findPiece(piece, text, at, isLast && greedy)
    if (found === undefined) return undefined
    at = found + piece.length
  }
  return at
}

function findPiece(piece: readonly number[], text: Text, from: number, last: boolean): number | undefined {
  const limit = Math.min(text.lineEnd(from), text.codes.length - piece.length)
  if (last) {
    for (let i = limit; i >= from; i--) if (pieceAt(piece, text, i)) return i
  } else {
    for (let i = from; i <= limit; i++) if (pieceAt(piece, text, i)) return i
  }
  return undefined
}

function pieceAt(piece: readonly number[], text: Text, at: number): boolean {
  if (at + piece.length > text.codes.length) return false
  let i = 0
  for (; i < piece.length; i++) {
    const want = piece[i]
    const have = text.codes[at + i]
    if (want === ANY ? have === NEWLINE : want !== have) break
  }
  text.count(i + 1)
  return i === piece.length
}

/** What is searched: its characters, where its lines end, and how much work the search may still take. */
class Text {
  readonly codes: readonly number[]
  #steps = MAX_STEPS
  /** A stretch without newline that was seen last, and its end. */
  #line = { from: 0, end: -1 }

  constructor(codes: readonly number[]) {
    this.codes = codes
  }

  /** The first newline at `from` or behind, or the end of the text. */
  lineEnd(from: number): number {
    if (from < this.#line.from || from > this.#line.end) {
      const newline = this.codes.indexOf(NEWLINE, from)
      this.#line = { from, end: newline < 0 ? this.codes.length : newline }
      this.count(this.#line.end - from)
    }
    return this.#line.end
  }

  /** Stops what would take minutes. */
  count(steps: number): void {
    this.#steps -= steps
    if (this.#steps < 0) throw fail('VARIABLE_TOO_LARGE', 'the pattern of a substitution takes too long to match')
  }
}

/** `${value#pattern}`, with `greedy` `${value##pattern}`. */
export function trimPrefix(value: string, pattern: string, greedy: boolean): string {
  const text = codePoints(value)
  return fromCodePoints(withoutPrefix(text, codePoints(pattern), greedy))
}

/** `${value%pattern}`, with `greedy` `${value%%pattern}`. */
export function trimSuffix(value: string, pattern: string, greedy: boolean): string {
  const rest = withoutPrefix(codePoints(value).reverse(), reversePattern(codePoints(pattern)), greedy)
  return fromCodePoints(rest.reverse())
}

function withoutPrefix(text: number[], pattern: number[], greedy: boolean): number[] {
  const end = matchAt(compileShellPattern(pattern), new Text(text), 0, greedy)
  return end === undefined ? text : text.slice(end)
}

/** Escapes keep standing before the character that they escape: `ab\*` becomes `\*ba`. */
export function reversePattern(pattern: readonly number[]): number[] {
  const reversed: number[] = []
  for (let i = 0; i < pattern.length; i++) {
    const escapes = pattern[i] === 0x5c && i + 1 < pattern.length
    if (escapes) reversed.push(pattern[++i]!, 0x5c)
    else reversed.push(pattern[i]!)
  }
  return reversed.reverse()
}

/**
 * `${value/pattern/replacement}`: the first and longest match, or with `all` every match.
 * `limit` is a cap on the length of the result.
 */
export function replacePattern(
  value: string,
  pattern: string,
  replacement: string,
  options: { all: boolean; limit: number },
): string {
  const text = new Text(codePoints(value))
  const compiled = compileShellPattern(codePoints(pattern))
  const slice = (start: number, end?: number): string => fromCodePoints(text.codes.slice(start, end))
  const parts: string[] = []
  let size = 0
  let copied = 0
  for (const { start, end } of findMatches(compiled, text)) {
    const part = slice(copied, start) + (options.all ? fillTemplate(replacement, slice(start, end)) : replacement)
    size += part.length
    if (size > options.limit) throw tooLong(options.limit)
    parts.push(part)
    copied = end
    if (!options.all) break
  }
  return parts.join('') + slice(copied)
}

/** All matches from left to right, each as long as it can be; an empty one does not follow another match directly. */
function* findMatches(pattern: ShellPattern, text: Text): Generator<{ start: number; end: number }> {
  const beginsWithStar = pattern.pieces.length > 1 && pattern.pieces[0]!.length === 0
  let lastEnd = -1
  for (let start = 0; start <= text.codes.length; ) {
    const end = matchAt(pattern, text, start, true)
    if (end !== undefined && end !== lastEnd) {
      yield { start, end }
      lastEnd = end
    }
    // A star that found nothing from here finds nothing from any other place on this line.
    if (end === undefined && beginsWithStar) start = text.lineEnd(start) + 1
    else start = end === undefined || end === start ? start + 1 : end
  }
}

/** Go's `Regexp.ReplaceAllString` reads `$0`, `${name}` and `$$` in the replacement; there are no groups but 0. */
function fillTemplate(template: string, matched: string): string {
  if (!template.includes('$')) return template
  return template.replace(
    /\$(?:\$|([\p{L}\p{Nd}_]+)|\{([\p{L}\p{Nd}_]+)\})/gu,
    (whole, bare?: string, braced?: string) => {
      if (whole === '$$') return '$'
      return /^0+$/.test(bare ?? braced ?? '') ? matched : ''
    },
  )
}

/** The failure for a value that outgrows its cap. */
export function tooLong(limit: number): Error {
  return fail('VARIABLE_TOO_LARGE', `the expanded value is longer than ${limit} characters`, {
    hint: 'Look for a variable that is set to several copies of itself.',
  })
}

function badEscape(pattern: readonly number[], char: number | undefined): Error {
  const shown = char === undefined ? '\ufffd' : String.fromCodePoint(char)
  const text = fromCodePoints(pattern)
  return fail('VARIABLE_INVALID', `invalid pattern (${text}) in substitution: invalid escape '\\${shown}'`)
}

function isOneOf(code: number | undefined, chars: string): boolean {
  return code !== undefined && chars.includes(String.fromCodePoint(code))
}

function codePoints(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0)!)
}

function fromCodePoints(codes: readonly number[]): string {
  let text = ''
  for (let i = 0; i < codes.length; i += 8192) text += String.fromCodePoint(...codes.slice(i, i + 8192))
  return text
}
