import { fail } from '../../core/index.ts'
import type { Node } from './nodes.ts'
import { describeToken, type Token, type TokenKind } from './tokens.ts'

/** The state of parsing one template: where it stands in the tokens, and what it knows. */
export interface Parser {
  tokens: Token[]
  index: number
  functions: ReadonlySet<string>
  scope: string[]
  loops: number
  depth: number
  /** The line of the action being parsed, 0 outside of one. */
  actionLine: number
  defined: Map<string, readonly Node[]>
}

/** The token that comes next; the last one again at the end. */
export function peek(parser: Parser): Token {
  return parser.tokens[Math.min(parser.index, parser.tokens.length - 1)]!
}

/** Takes the next token. */
export function next(parser: Parser): Token {
  const token = peek(parser)
  parser.index++
  return token
}

/** Skips space and looks at what follows. */
export function peekNonSpace(parser: Parser): Token {
  while (peek(parser).kind === 'space') parser.index++
  return peek(parser)
}

/** Takes the next token that is not space. */
export function nextNonSpace(parser: Parser): Token {
  peekNonSpace(parser)
  return next(parser)
}

/** Fails at the line of the token taken last. */
export function reject(parser: Parser, message: string): never {
  const token = parser.tokens[Math.min(Math.max(parser.index - 1, 0), parser.tokens.length - 1)]!
  throw fail('TEMPLATE_INVALID', `template: :${token.line}: ${message}`)
}

/** Fails because of a token, or with the fault that the token stands for. */
export function unexpected(parser: Parser, token: Token, context: string): never {
  if (token.kind !== 'error') return reject(parser, `unexpected ${describeToken(token)} in ${context}`)
  if (parser.actionLine === 0 || parser.actionLine === token.line) return reject(parser, token.text)
  const started = `${token.text.endsWith(' action') ? '' : ' in action'} started at :${parser.actionLine}`
  return reject(parser, `${token.text}${started}`)
}

/** Takes a token that must be of this kind. */
export function expect(parser: Parser, kind: TokenKind, context: string): Token {
  const token = nextNonSpace(parser)
  return token.kind === kind ? token : unexpected(parser, token, context)
}
