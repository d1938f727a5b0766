import { fail, quoteGo } from '../core/index.ts'
import { replacePattern, tooLong, trimPrefix, trimSuffix } from './shell-pattern.ts'
import { WordSplitter } from './word-splitter.ts'

/** Where the values of variables come from; a `Map` is one. */
export interface Environment {
  get(name: string): string | undefined
}

/** How to read a word. */
export interface ExpandOptions {
  /** The Dockerfile's escape character. */
  readonly escape?: string
  /** Quotes stay in the result. */
  readonly keepQuotes?: boolean
  /** Escape characters stay in the result. */
  readonly keepEscapes?: boolean
  /** `$name` of a variable that is not set stays as it is. */
  readonly keepUnset?: boolean
  /** Quotes are characters like any other: the body of a here-document. */
  readonly ignoreQuotes?: boolean
  /** Longest result, in UTF-16 units. */
  readonly limit?: number
}

/** A word after expansion. */
export interface Expansion {
  readonly text: string
  /** The same, split at white space that is not quoted. */
  readonly words: readonly string[]
  /** Variables that were asked for and set. */
  readonly used: ReadonlySet<string>
  /** Variables that were asked for and not set. */
  readonly unset: ReadonlySet<string>
}

/** Cap on one value, in UTF-16 units: twenty lines of `ENV A=$A$A` would need gigabytes. */
const VALUE_LIMIT = 128 * 1024
/** Cap on the body of a here-document, which becomes a file. */
const BODY_LIMIT = 16 * 1024 * 1024
const MAX_DEPTH = 200
const EOF = -1
const SPECIAL_NAMES = '@*#?-$!0'

/**
 * Expands `$name`, `${name}` and `${name...}` with all modifiers, and removes quotes and escapes, as BuildKit's shell
 * words do. Fails with `VARIABLE_INVALID` for bad syntax and for `${name:?message}`, with `VARIABLE_TOO_LARGE` when
 * the result would exceed its limit.
 */
export function expand(word: string, env: Environment, options: ExpandOptions = {}): Expansion {
  const lexer = new Lexer(word, env, options)
  try {
    const { text, words } = lexer.readUntil(EOF, options.keepEscapes === true)
    return { text, words, used: lexer.used, unset: lexer.unset }
  } catch (error) {
    if (!(error instanceof LexError)) throw error
    throw fail('VARIABLE_INVALID', `failed to process ${quoteGo(word)}: ${error.message}`)
  }
}

/** Expands the body of a here-document: quotes are ordinary characters, and the escape is always a backslash. */
export function expandRaw(body: string, env: Environment, limit: number = BODY_LIMIT): Expansion {
  return expand(body, env, { ignoreQuotes: true, limit })
}

/** Bad syntax, before the whole word is put in front of the message. */
class LexError extends Error {}

interface Stretch {
  text: string
  words: string[]
}

class Lexer {
  readonly used = new Set<string>()
  readonly unset = new Set<string>()
  readonly #text: string
  readonly #env: Environment
  readonly #options: ExpandOptions
  readonly #escape: number
  readonly #limit: number
  #at = 0
  #depth = 0
  #keepEscapes: boolean
  /**
   * The word being built. BuildKit has one buffer for a word and the modifiers inside it, so `80${x:-81}` splits into
   * the one word `81`; EXPOSE shows it.
   */
  readonly #buffer = { word: '' }

  constructor(text: string, env: Environment, options: ExpandOptions) {
    this.#text = text.startsWith('\ufeff') ? text.slice(1) : text
    this.#env = env
    this.#options = options
    this.#escape = (options.escape ?? '\\').charCodeAt(0)
    this.#limit = options.limit ?? VALUE_LIMIT
    this.#keepEscapes = options.keepEscapes === true
  }

  /** Reads up to `stop`, which is taken too; `EOF` reads to the end. */
  readUntil(stop: number, keepEscapes: boolean): Stretch {
    if (++this.#depth > MAX_DEPTH) throw new LexError(`substitutions are nested deeper than ${MAX_DEPTH} levels`)
    const outer = this.#keepEscapes
    this.#keepEscapes = keepEscapes
    this.#buffer.word = ''
    try {
      return this.#readStretch(stop)
    } finally {
      this.#keepEscapes = outer
      this.#depth--
    }
  }

  #readStretch(stop: number): Stretch {
    const words = new WordSplitter(this.#buffer)
    let text = ''
    while (this.#peek() !== EOF) {
      const code = this.#peek()
      if (code === stop) {
        this.#at++
        return { text, words: words.end() }
      }
      const part = this.#readPart(code, words)
      if (part === undefined) break
      text += part
      if (text.length > this.#limit) throw tooLong(this.#limit)
    }
    if (stop !== EOF)
      throw new LexError(`unexpected end of statement while looking for matching ${String.fromCharCode(stop)}`)
    return { text, words: words.end() }
  }

  /** The next thing: a quoted string, a variable, an escape or a character; nothing after an escape at the end. */
  #readPart(code: number, words: WordSplitter): string | undefined {
    if (code === 0x24) return words.addSplit(this.#readDollar())
    if (code === 0x27 && !this.#options.ignoreQuotes) return words.addWhole(this.#readSingleQuote())
    if (code === 0x22 && !this.#options.ignoreQuotes) return words.addWhole(this.#readDoubleQuote())
    if (code !== this.#escape) return words.addSplit(this.#next())
    const kept = this.#next()
    if (this.#keepEscapes) words.addWhole(kept)
    if (this.#peek() === EOF) return this.#keepEscapes ? kept : undefined
    const escaped = words.addWhole(this.#next())
    return this.#keepEscapes ? kept + escaped : escaped
  }

  #readSingleQuote(): string {
    const start = this.#at
    const end = this.#text.indexOf("'", start + 1)
    if (end < 0) {
      this.#at = this.#text.length
      throw new LexError('unexpected end of statement while looking for matching single-quote')
    }
    this.#at = end + 1
    return this.#options.keepQuotes ? this.#text.slice(start, end + 1) : this.#text.slice(start + 1, end)
  }

  #readDoubleQuote(): string {
    const quote = this.#options.keepQuotes ? '"' : ''
    let text = quote
    this.#at++
    for (;;) {
      const code = this.#peek()
      if (code === EOF) throw new LexError('unexpected end of statement while looking for matching double-quote')
      if (code === 0x22) {
        this.#at++
        return text + quote
      }
      text += code === 0x24 ? this.#readDollar() : this.#readQuotedChar(code)
      if (text.length > this.#limit) throw tooLong(this.#limit)
    }
  }

  /** Inside double quotes an escape works only before `"`, `$` and itself; else it stands for itself. */
  #readQuotedChar(code: number): string {
    const char = this.#next()
    if (code !== this.#escape) return char
    const kept = this.#keepEscapes ? char : ''
    const after = this.#peek()
    if (after === EOF) return kept
    return kept + (after === 0x22 || after === 0x24 || after === this.#escape ? this.#next() : char)
  }

  #readDollar(): string {
    this.#at++
    if (this.#peek() !== 0x7b) {
      const name = this.#readName()
      if (name === '') return '$'
      const value = this.#lookUp(name)
      return value ?? (this.#options.keepUnset ? `$${name}` : '')
    }
    this.#at++
    const code = this.#peek()
    if (code === EOF) throw new LexError("syntax error: missing '}'")
    if (code === 0x7b || code === 0x7d || code === 0x3a) throw new LexError('syntax error: bad substitution')
    return this.#readSubstitution(this.#readName())
  }

  /** What follows the name in `${name...}`. */
  #readSubstitution(name: string): string {
    const modifier = this.#next()
    if (modifier === '}') {
      const value = this.#lookUp(name)
      return value ?? (this.#options.keepUnset ? `\${${name}}` : '')
    }
    if (modifier === '/') return this.#replace(name)
    const colon = modifier === ':'
    const operator = colon ? this.#next() : modifier
    if (operator === '#' || operator === '%') {
      if (!colon) return this.#trim(name, operator)
    } else if (operator === '-' || operator === '+' || operator === '?') {
      return this.#choose(name, operator, colon)
    } else if (colon) {
      // BuildKit reads the rest before it looks at what follows the colon.
      this.#readWord(0x7d, false)
    }
    throw new LexError(`unsupported modifier (${colon ? ':' : ''}${operator}) in substitution`)
  }

  /** `${name-word}`, `${name+word}`, `${name?word}`; with `colon` an empty value counts as unset. */
  #choose(name: string, operator: string, colon: boolean): string {
    const word = this.#readWord(0x7d, false)
    const value = this.#lookUp(name)
    if (value === undefined && this.#options.keepUnset) return `\${${name}${colon ? ':' : ''}${operator}${word}}`
    const isMissing = value === undefined || (colon && value === '')
    if (operator === '+') return isMissing ? '' : word
    if (!isMissing) return value
    if (operator === '-') return word
    const state = value === undefined ? 'unset' : 'empty'
    throw new LexError(`${name}: ${word === '' ? `is not allowed to be ${state}` : word}`)
  }

  /** `${name#pattern}`, `${name##pattern}`, `${name%pattern}`, `${name%%pattern}`. */
  #trim(name: string, operator: string): string {
    const word = this.#readWord(0x7d, true)
    const value = this.#lookUp(name)
    if (value === undefined && this.#options.keepUnset) return `\${${name}${operator}${word}}`
    const greedy = word.startsWith(operator)
    const pattern = greedy ? word.slice(1) : word
    return asLexError(() => (operator === '#' ? trimPrefix : trimSuffix)(value ?? '', pattern, greedy))
  }

  /** `${name/pattern/replacement}` and `${name//pattern/replacement}`. */
  #replace(name: string): string {
    const all = this.#peek() === 0x2f
    if (all) this.#at++
    const pattern = this.#readWord(0x2f, true)
    const replacement = this.#readWord(0x7d, true)
    const value = this.#lookUp(name)
    if (value === undefined && this.#options.keepUnset) return `\${${name}/${pattern}/${replacement}}`
    return asLexError(() => replacePattern(value ?? '', pattern, replacement, { all, limit: this.#limit }))
  }

  /** A word inside `${}`: what is missing at the end of the text is the character that closes it. */
  #readWord(stop: number, keepEscapes: boolean): string {
    try {
      return this.readUntil(stop, keepEscapes).text
    } catch (error) {
      if (!(error instanceof LexError) || this.#peek() !== EOF) throw error
      throw new LexError(stop === 0x2f ? `syntax error: missing '/' in \${}` : "syntax error: missing '}'")
    }
  }

  /** A run of digits, a special parameter, or letters, digits and underscores; empty if there is none. */
  #readName(): string {
    const start = this.#at
    const isLong = (test: (char: string) => boolean): string => {
      while (this.#peek() !== EOF && test(this.#char())) this.#at += this.#char().length
      return this.#text.slice(start, this.#at)
    }
    if (this.#peek() === EOF) return ''
    if (isDigit(this.#char())) return isLong(isDigit)
    if (SPECIAL_NAMES.includes(this.#char())) return this.#next()
    return isLong((char) => char === '_' || isDigit(char) || isLetter(char))
  }

  #lookUp(name: string): string | undefined {
    const value = this.#env.get(name)
    const names = value === undefined ? this.unset : this.used
    names.add(name)
    return value
  }

  #peek(): number {
    return this.#at < this.#text.length ? this.#text.charCodeAt(this.#at) : EOF
  }

  /** The character at the current place, whole. */
  #char(): string {
    return String.fromCodePoint(this.#text.codePointAt(this.#at)!)
  }

  /** Takes the next character; at the end it is U+FFFD, as Go prints the rune -1. */
  #next(): string {
    if (this.#peek() === EOF) return '\ufffd'
    const char = this.#char()
    this.#at += char.length
    return char
  }
}

function asLexError(work: () => string): string {
  try {
    return work()
  } catch (error) {
    throw (error as { code?: string }).code === 'VARIABLE_INVALID' ? new LexError((error as Error).message) : error
  }
}

function isDigit(char: string): boolean {
  return char < '\x80' ? char >= '0' && char <= '9' : /\p{Nd}/u.test(char)
}

function isLetter(char: string): boolean {
  return char < '\x80' ? /[a-zA-Z]/.test(char) : /\p{L}/u.test(char)
}
