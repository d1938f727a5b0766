import { type ByteString, fail, fromByteString } from '../core/index.ts'

const SLASH = 0x2f
const BACKSLASH = 0x5c

/**
 * Go's `filepath.Match` on Linux, by which COPY and ADD read wildcards: `*` and `?` match no slash, `[a-z]` and `[^a]`
 * are classes, `\` escapes. Pattern and name are bytes; `?` and classes take one UTF-8 character, or one byte that is
 * none. The pattern must match the whole name. Fails with `PATTERN_INVALID`, but sees no mistake behind the `*` up to
 * which the name did not match. Takes at most pattern times name steps.
 */
export function matchPath(pattern: ByteString, name: ByteString): boolean {
  let at = 0
  for (let rest = 0; rest < pattern.length; ) {
    const { star, start, end } = nextChunk(pattern, rest)
    rest = end
    // A star at the end takes everything up to a slash.
    if (star && start === end) return !name.includes('/', at)
    const chunk = { pattern, start, end }
    const next = matchChunkAfter(chunk, name, at, star)
    if (next === undefined) return false
    at = next
  }
  return at === name.length
}

/** Whether a path has any character that `matchPath` treats specially. */
export function hasWildcard(path: string): boolean {
  return /[*?[\\]/.test(path)
}

/** A part of a pattern without stars. */
interface Chunk {
  pattern: string
  start: number
  end: number
}

/** Where the name goes on after the chunk; with `star`, after as few characters as possible, none of them a slash. */
function matchChunkAfter(chunk: Chunk, name: string, at: number, star: boolean): number | undefined {
  const isLast = chunk.end === chunk.pattern.length
  for (let from = at; ; from++) {
    const next = matchChunk(chunk, name, from)
    if (next !== undefined && (!isLast || next === name.length)) return next
    if (!star || from >= name.length || name.charCodeAt(from) === SLASH) return undefined
  }
}

function nextChunk(pattern: string, from: number): { star: boolean; start: number; end: number } {
  let start = from
  while (pattern[start] === '*') start++
  let end = start
  let inClass = false
  for (; end < pattern.length; end++) {
    const char = pattern[end]
    if (char === '\\') end = Math.min(end + 1, pattern.length - 1)
    else if (char === '[') inClass = true
    else if (char === ']') inClass = false
    else if (char === '*' && !inClass) break
  }
  return { star: start > from, start, end }
}

/** Where the name goes on after the chunk, if it matches here. The whole chunk is checked in either case. */
function matchChunk(chunk: Chunk, name: string, from: number): number | undefined {
  let at = from
  let failed = false
  for (let i = chunk.start; i < chunk.end; ) {
    failed ||= at >= name.length
    const code = chunk.pattern.charCodeAt(i)
    if (code === 0x5b) {
      const char = failed ? { code: -1, length: 0 } : decodeRune(name, at)
      const { matches, end } = readClass(chunk, i, char.code)
      failed ||= !matches
      at += char.length
      i = end
    } else if (code === 0x3f) {
      if (!failed) {
        failed = name.charCodeAt(at) === SLASH
        at += decodeRune(name, at).length
      }
      i++
    } else {
      if (code === BACKSLASH && ++i === chunk.end) throw badPattern(chunk.pattern)
      failed ||= chunk.pattern.charCodeAt(i) !== name.charCodeAt(at)
      at++
      i++
    }
  }
  return failed ? undefined : at
}

/** Reads `[...]` from its bracket on. A bracket that closes at once is not allowed, nor is a bare `-`. */
function readClass(chunk: Chunk, start: number, code: number): { matches: boolean; end: number } {
  let i = start + 1
  const negated = i < chunk.end && chunk.pattern[i] === '^'
  if (negated) i++
  let inside = false
  for (let count = 0; ; count++) {
    if (count > 0 && i < chunk.end && chunk.pattern[i] === ']') return { matches: inside !== negated, end: i + 1 }
    const low = readClassChar(chunk, i)
    i = low.end
    let high = low.code
    if (chunk.pattern[i] === '-') {
      const bound = readClassChar(chunk, i + 1)
      i = bound.end
      high = bound.code
    }
    inside ||= low.code <= code && code <= high
  }
}

function readClassChar(chunk: Chunk, at: number): { code: number; end: number } {
  const { pattern, end } = chunk
  let i = at
  if (i >= end || pattern[i] === '-' || pattern[i] === ']') throw badPattern(pattern)
  if (pattern[i] === '\\' && ++i >= end) throw badPattern(pattern)
  const { code, length } = decodeRune(pattern, i)
  if ((code === 0xfffd && length === 1) || i + length >= end) throw badPattern(pattern)
  return { code, end: i + length }
}

/** The UTF-8 character at an offset; U+FFFD of length 1 where the bytes are none. */
function decodeRune(bytes: string, at: number): { code: number; length: number } {
  const first = bytes.charCodeAt(at)
  if (first < 0x80) return { code: first, length: 1 }
  const length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
  const text = first >= 0xc2 && first <= 0xf4 ? Buffer.from(bytes.slice(at, at + length), 'latin1').toString() : ''
  const code = text.codePointAt(0)
  const isWhole =
    code !== undefined && text.length === (code > 0xffff ? 2 : 1) && (code !== 0xfffd || isReplacement(bytes, at))
  return isWhole ? { code, length } : { code: 0xfffd, length: 1 }
}

/** Whether U+FFFD itself is written here. */
function isReplacement(bytes: string, at: number): boolean {
  return bytes.startsWith('\xef\xbf\xbd', at)
}

function badPattern(pattern: string): Error {
  return fail('PATTERN_INVALID', 'syntax error in pattern', {
    data: { pattern: fromByteString(pattern as ByteString) },
    hint: 'A [ needs a ] after it, and a \\ a character.',
  })
}
