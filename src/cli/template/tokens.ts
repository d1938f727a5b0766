import { quoteGo } from '../../core/index.ts'

/** The kinds of token in a template. Keywords come as their own kind; everything outside `{{ }}` is `text`. */
export type TokenKind =
  | 'error'
  | 'eof'
  | 'text'
  | 'left'
  | 'right'
  | 'space'
  | 'assign'
  | 'declare'
  | 'pipe'
  | 'open'
  | 'close'
  | 'char'
  | 'bool'
  | 'number'
  | 'rune'
  | 'string'
  | 'raw-string'
  | 'variable'
  | 'field'
  | 'identifier'
  | Keyword

/** Words with a meaning of their own; a function cannot have one of these names. */
export type Keyword =
  | 'block'
  | 'break'
  | 'continue'
  | 'define'
  | 'dot'
  | 'else'
  | 'end'
  | 'if'
  | 'nil'
  | 'range'
  | 'template'
  | 'with'

/** A piece of the template text. `position` is an offset into it in UTF-16 units; lines count from 1. */
export interface Token {
  kind: TokenKind
  position: number
  line: number
  text: string
}

const KEYWORDS: ReadonlyMap<string, Keyword> = new Map(
  (['block', 'break', 'continue', 'define', 'else', 'end', 'if', 'nil', 'range', 'template', 'with'] as const).map(
    (word) => [word, word],
  ),
)
const PUNCTUATION: Readonly<Record<string, TokenKind>> = { '=': 'assign', '|': 'pipe', '(': 'open', ')': 'close' }
const WORD_CHARACTER = /[_\p{L}\p{Nd}]/u
const NUMBER =
  /[+-]?(?:0[xX][0-9a-fA-F_]*(?:\.[0-9a-fA-F_]*)?(?:[pP][+-]?[0-9_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[0-9_]*(?:\.[0-9_]*)?(?:[eE][+-]?[0-9_]*)?)i?/y

/** How Go names a token in "unexpected ..." messages. */
export function describeToken(token: Token): string {
  if (token.kind === 'eof') return 'EOF'
  if (token.kind === 'error') return token.text
  if (token.kind === 'dot' || KEYWORDS.has(token.text)) return `<${token.text}>`
  const runes = [...token.text]
  return runes.length > 10 ? `${quoteGo(runes.slice(0, 10).join(''))}...` : quoteGo(token.text)
}

/**
 * Cuts a template into tokens, in one pass. Trim markers and comments are dealt with here and leave no token.
 * A lexical fault is the last token, of kind `error`, so that faults are reported in the order of the text.
 */
export function tokenize(text: string): Token[] {
  const lexer: Lexer = { text, position: 0, start: 0, line: 1, startLine: 1, depth: 0, tokens: [] }
  let inAction = false
  while (lexer.tokens.at(-1)?.kind !== 'error' && lexer.tokens.at(-1)?.kind !== 'eof') {
    inAction = inAction ? lexAction(lexer) : lexText(lexer)
  }
  return lexer.tokens
}

interface Lexer {
  text: string
  position: number
  start: number
  line: number
  startLine: number
  depth: number
  tokens: Token[]
}

function emit(lexer: Lexer, kind: TokenKind): void {
  const text = lexer.text.slice(lexer.start, lexer.position)
  lexer.tokens.push({ kind, position: lexer.start, line: lexer.startLine, text: kind === 'eof' ? 'EOF' : text })
  advance(lexer)
}

/** Moves the start of the next token to the current position and counts the lines passed. */
function advance(lexer: Lexer): void {
  for (let i = lexer.start; i < lexer.position; i++) if (lexer.text.charCodeAt(i) === 10) lexer.line++
  lexer.start = lexer.position
  lexer.startLine = lexer.line
}

function lexError(lexer: Lexer, message: string): true {
  lexer.tokens.push({ kind: 'error', position: lexer.start, line: lexer.startLine, text: message })
  return true
}

/** Text up to the next action, and the action's opening with its trim marker. Returns whether an action begins. */
function lexText(lexer: Lexer): boolean {
  const open = lexer.text.indexOf('{{', lexer.position)
  const end = open < 0 ? lexer.text.length : open
  const trims = open >= 0 && lexer.text[open + 2] === '-' && isSpace(lexer.text[open + 3])
  lexer.position = end
  if (trims) while (lexer.position > lexer.start && isSpace(lexer.text[lexer.position - 1])) lexer.position--
  if (lexer.position > lexer.start) emit(lexer, 'text')
  lexer.position = end
  advance(lexer)
  if (open < 0) {
    emit(lexer, 'eof')
    return false
  }
  const afterMarker = open + (trims ? 4 : 2)
  if (lexer.text.startsWith('/*', afterMarker)) return lexComment(lexer, afterMarker)
  lexer.position = open + 2
  emit(lexer, 'left')
  lexer.position = afterMarker
  advance(lexer)
  lexer.depth = 0
  return true
}

function lexComment(lexer: Lexer, start: number): boolean {
  lexer.position = start
  advance(lexer)
  const end = lexer.text.indexOf('*/', start + 2)
  if (end < 0) return lexError(lexer, 'unclosed comment')
  const close = rightDelimiter(lexer.text, end + 2)
  if (!close) return lexError(lexer, 'comment ends before closing delimiter')
  lexer.position = end + 2 + close.length
  if (close.trims) skipSpace(lexer)
  advance(lexer)
  return false
}

/** One token inside an action. Returns whether the action goes on. */
function lexAction(lexer: Lexer): boolean {
  const { text } = lexer
  const close = rightDelimiter(text, lexer.position)
  if (close) return lexRight(lexer, close)
  const code = text.codePointAt(lexer.position)
  if (code === undefined) return lexError(lexer, 'unclosed action')
  const character = String.fromCodePoint(code)
  if (isSpace(character)) return lexSpace(lexer)
  if (character === '"' || character === "'" || character === '`') return lexQuoted(lexer, character)
  const next = text[lexer.position + 1]
  if (character === '$' || (character === '.' && !isDigit(next))) return lexFieldOrVariable(lexer)
  if (character === '+' || character === '-' || character === '.' || isDigit(character)) return lexNumber(lexer)
  if (WORD_CHARACTER.test(character)) return lexWord(lexer)
  return lexPunctuation(lexer, character, code)
}

function lexRight(lexer: Lexer, close: { length: number; trims: boolean }): boolean {
  if (lexer.depth > 0) return lexError(lexer, 'unclosed left paren')
  lexer.position += close.length - 2
  advance(lexer)
  lexer.position += 2
  emit(lexer, 'right')
  if (close.trims) skipSpace(lexer)
  advance(lexer)
  return false
}

function lexPunctuation(lexer: Lexer, character: string, code: number): true {
  lexer.position += character.length
  if (character === ':') {
    if (lexer.text[lexer.position] !== '=') return lexError(lexer, 'expected :=')
    lexer.position++
    emit(lexer, 'declare')
    return true
  }
  if (character === '(') lexer.depth++
  if (character === ')' && --lexer.depth < 0) return lexError(lexer, 'unexpected right paren')
  const kind = Object.hasOwn(PUNCTUATION, character) ? PUNCTUATION[character]! : 'char'
  if (kind === 'char' && (code < 0x20 || code > 0x7e)) {
    return lexError(lexer, `unrecognized character in action: ${unicodeName(code)}`)
  }
  emit(lexer, kind)
  return true
}

function lexSpace(lexer: Lexer): true {
  while (isSpace(lexer.text[lexer.position])) lexer.position++
  // " -}}": the last space belongs to the trim marker.
  if (rightDelimiter(lexer.text, lexer.position - 1)?.trims) lexer.position--
  if (lexer.position > lexer.start) emit(lexer, 'space')
  return true
}

function lexQuoted(lexer: Lexer, mark: string): true {
  const { text } = lexer
  let i = lexer.position + 1
  while (i < text.length && text[i] !== mark && (mark === '`' || text[i] !== '\n')) {
    if (mark !== '`' && text[i] === '\\' && text[i + 1] !== '\n') i++
    i++
  }
  if (text[i] !== mark) return lexError(lexer, UNTERMINATED[mark]!)
  lexer.position = i + 1
  emit(lexer, mark === '"' ? 'string' : mark === "'" ? 'rune' : 'raw-string')
  return true
}

const UNTERMINATED: Readonly<Record<string, string>> = {
  '"': 'unterminated quoted string',
  "'": 'unterminated character constant',
  '`': 'unterminated raw quoted string',
}

function lexNumber(lexer: Lexer): true {
  NUMBER.lastIndex = lexer.position
  lexer.position += NUMBER.exec(lexer.text)?.[0].length ?? 0
  const next = characterAt(lexer.text, lexer.position)
  const bad = WORD_CHARACTER.test(next) || next === '+' || next === '-'
  if (bad) {
    lexer.position += next.length
    return lexError(lexer, `bad number syntax: ${quoteGo(lexer.text.slice(lexer.start, lexer.position))}`)
  }
  emit(lexer, 'number')
  return true
}

function lexWord(lexer: Lexer): true {
  const problem = scanWord(lexer)
  if (problem) return lexError(lexer, problem)
  const word = lexer.text.slice(lexer.start, lexer.position)
  emit(lexer, KEYWORDS.get(word) ?? (word === 'true' || word === 'false' ? 'bool' : 'identifier'))
  return true
}

function lexFieldOrVariable(lexer: Lexer): true {
  const isVariable = lexer.text[lexer.position] === '$'
  lexer.position++
  if (isTerminator(lexer.text, lexer.position)) {
    emit(lexer, isVariable ? 'variable' : 'dot')
    return true
  }
  const problem = scanWord(lexer)
  if (problem) return lexError(lexer, problem)
  emit(lexer, isVariable ? 'variable' : 'field')
  return true
}

/** Moves over letters and digits; the message when what follows cannot end a word. */
function scanWord(lexer: Lexer): string | undefined {
  const { text } = lexer
  for (let next = characterAt(text, lexer.position); WORD_CHARACTER.test(next); ) {
    lexer.position += next.length
    next = characterAt(text, lexer.position)
  }
  if (isTerminator(text, lexer.position)) return undefined
  return `bad character ${unicodeName(text.codePointAt(lexer.position)!)}`
}

function isTerminator(text: string, position: number): boolean {
  const next = text[position]
  return next === undefined || isSpace(next) || '.,|:()'.includes(next) || text.startsWith('}}', position)
}

function rightDelimiter(text: string, position: number): { length: number; trims: boolean } | undefined {
  if (text.startsWith('}}', position)) return { length: 2, trims: false }
  const trims = isSpace(text[position]) && text.startsWith('-}}', position + 1)
  return trims ? { length: 4, trims } : undefined
}

function skipSpace(lexer: Lexer): void {
  while (isSpace(lexer.text[lexer.position])) lexer.position++
}

function isSpace(character: string | undefined): boolean {
  return character === ' ' || character === '\t' || character === '\r' || character === '\n'
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9'
}

function characterAt(text: string, position: number): string {
  const code = text.codePointAt(position)
  return code === undefined ? '' : String.fromCodePoint(code)
}

/** Go's `%#U`: `U+0040 '@'`. */
function unicodeName(code: number): string {
  const name = `U+${code.toString(16).toUpperCase().padStart(4, '0')}`
  return /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(String.fromCodePoint(code))
    ? `${name} '${String.fromCodePoint(code)}'`
    : name
}
