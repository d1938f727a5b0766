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
function matchAt(
  pattern: ShellPattern,
  text: readonly number[],
  start: number,
  greedy: boolean,
  steps: Steps,
): number | undefined {
  const [first, ...rest] = pattern.pieces
  if (!pieceAt(first!, text, start, steps)) return undefined
  let at = start + first!.length
  for (const [i, piece] of rest.entries()) {
    // A `*` matches no newline, so the next piece begins on this line. The earliest place leaves most room for the
    // others; only the last piece decides how long the whole match is.
    const isLast = i === rest.length - 1
    const found = findPiece(piece, text, at, isLast && greedy, steps)
    if (found === undefined) return undefined
    at = found + piece.length
  }
  return at
}

function findPiece(
  piece: readonly number[],
  text: readonly number[],
  from: number,
  last: boolean,
  steps: Steps,
): number | undefined {
  const newline = text.indexOf(NEWLINE, from)
  const limit = Math.min(newline < 0 ? text.length : newline, text.length - piece.length)
  steps.add(limit - from)
  if (last) {
    for (let i = limit; i >= from; i--) if (pieceAt(piece, text, i, steps)) return i
  } else {
    for (let i = from; i <= limit; i++) if (pieceAt(piece, text, i, steps)) return i
  }
  return undefined
}

function pieceAt(piece: readonly number[], text: readonly number[], at: number, steps: Steps): boolean {
  if (at + piece.length > text.length) return false
  for (let i = 0; i < piece.length; i++) {
    const want = piece[i]
    const have = text[at + i]
    if (want === ANY ? have === NEWLINE : want !== have) {
      steps.add(i + 1)
      return false
    }
  }
  steps.add(piece.length)
  return true
}

/** Counts work, and stops what would take minutes. */
class Steps {
  #left = MAX_STEPS

  add(count: number): void {
    this.#left -= Math.max(count, 1)
    if (this.#left < 0) throw fail('VARIABLE_TOO_LARGE', 'the pattern of a substitution takes too long to match')
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
  const end = matchAt(compileShellPattern(pattern), text, 0, greedy, new Steps())
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
  const text = codePoints(value)
  const compiled = compileShellPattern(codePoints(pattern))
  const steps = new Steps()
  const parts: string[] = []
  let size = 0
  let copied = 0
  let lastEnd = -1
  for (let at = 0; at <= text.length; ) {
    const end = matchAt(compiled, text, at, true, steps)
    if (end === undefined || end === lastEnd) {
      at++
      continue
    }
    const matched = fromCodePoints(text.slice(at, end))
    const part =
      fromCodePoints(text.slice(copied, at)) + (options.all ? fillTemplate(replacement, matched) : replacement)
    size += part.length
    if (size > options.limit) throw tooLong(options.limit)
    parts.push(part)
    copied = end
    lastEnd = end
    at = Math.max(end, at + (end === at ? 1 : 0))
    if (!options.all) break
  }
  return parts.join('') + fromCodePoints(text.slice(copied))
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
