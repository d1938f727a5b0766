import { quoteGo } from '../../core/index.ts'
import { expect, next, nextNonSpace, type Parser, peek, peekNonSpace, reject, unexpected } from './cursor.ts'
import { parseNumber, parseRune, unquote } from './literals.ts'
import type { Command, Node, Operand, Pipeline } from './nodes.ts'
import { type Token, type TokenKind, tokenize } from './tokens.ts'

/** A parsed template: its own nodes under the name `''`, and those that `define` and `block` named. */
export interface ParsedTemplate {
  text: string
  nodes: readonly Node[]
  defined: ReadonlyMap<string, readonly Node[]>
}

/** Blocks and parentheses may nest this deep. Go allows more; a JavaScript stack does not. */
const MAX_DEPTH = 500

/**
 * Parses the text of a Go template. `functions` are the names that may be called. Fails with `TEMPLATE_INVALID`, its
 * message as Go words it (`template: :1: unclosed action`).
 */
export function parseTemplate(text: string, functions: ReadonlySet<string>): ParsedTemplate {
  const parser: Parser = {
    tokens: tokenize(text),
    index: 0,
    functions,
    scope: ['$'],
    loops: 0,
    depth: 0,
    actionLine: 0,
    defined: new Map(),
  }
  const nodes: Node[] = []
  while (peek(parser).kind !== 'eof') {
    if (isDefinition(parser)) parseDefinition(parser)
    else nodes.push(expectNode(parser, parseNode(parser)))
  }
  return { text, nodes, defined: parser.defined }
}

/** `{{end}}` and `{{else}}` close a list; they are not nodes of it. `chained` is the `if` of `else if`. */
interface Closer {
  kind: 'closer'
  word: 'end' | 'else'
  chained: 'if' | 'with' | undefined
}

function isDefinition(parser: Parser): boolean {
  if (peek(parser).kind !== 'left') return false
  const word = parser.tokens.slice(parser.index + 1, parser.index + 3).find((token) => token.kind !== 'space')
  return word?.kind === 'define'
}

function parseDefinition(parser: Parser): void {
  next(parser)
  nextNonSpace(parser)
  const context = 'define clause'
  const name = parseName(parser, context)
  expect(parser, 'right', context)
  define(parser, name, context)
}

/** The body of `define` and `block`: it sees no variables of its surroundings. */
function define(parser: Parser, name: string, context: string): void {
  const outer = { scope: parser.scope, loops: parser.loops }
  Object.assign(parser, { scope: ['$'], loops: 0 })
  const { body, closer } = parseList(parser)
  if (closer.word !== 'end') reject(parser, `unexpected {{${closer.word}}} in ${context}`)
  Object.assign(parser, outer)
  const known = parser.defined.get(name)
  if (!known || isBlank(known)) parser.defined.set(name, body)
  else if (!isBlank(body)) reject(parser, `template: multiple definition of template ${quoteGo(name)}`)
}

function isBlank(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.kind === 'text' && node.text.trim() === '')
}

function parseName(parser: Parser, context: string): string {
  const token = nextNonSpace(parser)
  if (token.kind !== 'string' && token.kind !== 'raw-string') return unexpected(parser, token, context)
  return unquote(token.text) ?? reject(parser, 'invalid syntax')
}

function expectNode(parser: Parser, node: Node | Closer): Node {
  return node.kind === 'closer' ? reject(parser, `unexpected {{${node.word}}}`) : node
}

function parseList(parser: Parser): { body: Node[]; closer: Closer } {
  if (++parser.depth > MAX_DEPTH) reject(parser, 'max nesting depth exceeded')
  const body: Node[] = []
  while (peekNonSpace(parser).kind !== 'eof') {
    const node = parseNode(parser)
    if (node.kind === 'closer') {
      parser.depth--
      return { body, closer: node }
    }
    body.push(node)
  }
  return reject(parser, 'unexpected EOF')
}

function parseNode(parser: Parser): Node | Closer {
  const token = nextNonSpace(parser)
  if (token.kind === 'text') return { kind: 'text', position: token.position, text: token.text }
  if (token.kind !== 'left') return unexpected(parser, token, 'input')
  parser.actionLine = token.line
  const node = parseAction(parser)
  parser.actionLine = 0
  return node
}

function parseAction(parser: Parser): Node | Closer {
  const token = nextNonSpace(parser)
  switch (token.kind) {
    case 'if':
    case 'with':
    case 'range':
      return parseBranch(parser, token.kind)
    case 'break':
    case 'continue':
      return parseJump(parser, token, token.kind)
    case 'end':
      expect(parser, 'right', 'end')
      return { kind: 'closer', word: 'end', chained: undefined }
    case 'else':
      return parseElse(parser)
    case 'template':
      return parseTemplateCall(parser)
    case 'block':
      return parseBlock(parser)
  }
  parser.index--
  const pipeline = parsePipeline(parser, 'command', 'right')
  return { kind: 'action', position: pipeline.position, pipeline }
}

function parseJump(parser: Parser, token: Token, kind: 'break' | 'continue'): Node {
  const closing = nextNonSpace(parser)
  if (closing.kind !== 'right') return unexpected(parser, closing, `{{${kind}}}`)
  if (parser.loops === 0) reject(parser, `{{${kind}}} outside {{range}}`)
  return { kind, position: token.position }
}

function parseElse(parser: Parser): Closer {
  const word = peekNonSpace(parser)
  if (word.kind === 'if' || word.kind === 'with') return { kind: 'closer', word: 'else', chained: word.kind }
  expect(parser, 'right', 'else')
  return { kind: 'closer', word: 'else', chained: undefined }
}

function parseTemplateCall(parser: Parser): Node {
  const token = peekNonSpace(parser)
  const name = parseName(parser, 'template clause')
  if (peekNonSpace(parser).kind === 'right') {
    next(parser)
    return { kind: 'template', position: token.position, name, pipeline: undefined }
  }
  return {
    kind: 'template',
    position: token.position,
    name,
    pipeline: parsePipeline(parser, 'template clause', 'right'),
  }
}

function parseBlock(parser: Parser): Node {
  const token = peekNonSpace(parser)
  const name = parseName(parser, 'block clause')
  const pipeline = parsePipeline(parser, 'block clause', 'right')
  define(parser, name, 'block clause')
  return { kind: 'template', position: token.position, name, pipeline }
}

type BranchKind = 'if' | 'with' | 'range'

function parseBranch(parser: Parser, kind: BranchKind): Node {
  const mark = parser.scope.length
  const pipeline = parsePipeline(parser, kind, 'right')
  if (kind === 'range') parser.loops++
  const { body, closer } = parseList(parser)
  if (kind === 'range') parser.loops--
  const otherwise = closer.word === 'else' ? parseOtherwise(parser, kind, closer) : undefined
  parser.scope.length = mark
  return { kind, position: pipeline.position, pipeline, body, otherwise }
}

function parseOtherwise(parser: Parser, kind: BranchKind, closer: Closer): Node[] {
  if (closer.chained !== undefined && closer.chained === kind) {
    nextNonSpace(parser)
    if (++parser.depth > MAX_DEPTH) reject(parser, 'max nesting depth exceeded')
    const chained = parseBranch(parser, kind)
    parser.depth--
    return [chained]
  }
  const { body, closer: last } = parseList(parser)
  if (last.word !== 'end') reject(parser, `expected end; found {{${last.word}}}`)
  return body
}

/** The kinds of token that can begin an operand. */
const OPERAND_KINDS: ReadonlySet<TokenKind> = new Set<TokenKind>([
  'bool',
  'rune',
  'dot',
  'field',
  'identifier',
  'number',
  'nil',
  'raw-string',
  'string',
  'variable',
  'open',
])

function parsePipeline(parser: Parser, context: string, end: 'right' | 'close'): Pipeline {
  const { position } = peekNonSpace(parser)
  const { variables, assigns } = parseVariables(parser, context)
  const commands: Command[] = []
  for (let token = nextNonSpace(parser); token.kind !== end; token = nextNonSpace(parser)) {
    if (!OPERAND_KINDS.has(token.kind)) unexpected(parser, token, context)
    parser.index--
    commands.push(parseCommand(parser))
  }
  checkPipeline(parser, commands, context)
  return { kind: 'pipeline', position, variables, assigns, commands }
}

function parseVariables(parser: Parser, context: string): { variables: string[]; assigns: boolean } {
  const variables: string[] = []
  while (peekNonSpace(parser).kind === 'variable') {
    const start = parser.index
    const variable = next(parser)
    const operator = peekNonSpace(parser)
    if (operator.kind === 'assign' || operator.kind === 'declare') {
      next(parser)
      variables.push(variable.text)
      parser.scope.push(variable.text)
      return { variables, assigns: operator.kind === 'assign' }
    }
    if (operator.kind !== 'char' || operator.text !== ',') {
      parser.index = start
      break
    }
    next(parser)
    variables.push(variable.text)
    parser.scope.push(variable.text)
    checkComma(parser, context, variables.length)
  }
  return { variables, assigns: false }
}

/** Only `range` takes two variables. */
function checkComma(parser: Parser, context: string, count: number): void {
  if (context !== 'range' || count >= 2) reject(parser, `too many declarations in ${context}`)
  const { kind } = peekNonSpace(parser)
  if (kind !== 'variable' && kind !== 'right' && kind !== 'close') reject(parser, 'range can only initialize variables')
}

function checkPipeline(parser: Parser, commands: readonly Command[], context: string): void {
  if (commands.length === 0) reject(parser, `missing value for ${context}`)
  const literals = ['bool', 'dot', 'nil', 'number', 'string']
  const stage = commands.findIndex((command, i) => i > 0 && literals.includes(command.operands[0]!.kind))
  if (stage > 0) reject(parser, `non executable command in pipeline stage ${stage + 1}`)
}

function parseCommand(parser: Parser): Command {
  const { position } = peekNonSpace(parser)
  const operands: Operand[] = []
  for (;;) {
    peekNonSpace(parser)
    const operand = parseOperand(parser)
    if (operand) operands.push(operand)
    const token = next(parser)
    if (token.kind === 'space') continue
    if (token.kind === 'right' || token.kind === 'close') parser.index--
    else if (token.kind !== 'pipe') unexpected(parser, token, 'operand')
    break
  }
  if (operands.length === 0) reject(parser, 'empty command')
  return { kind: 'command', position, operands }
}

function parseOperand(parser: Parser): Operand | undefined {
  const term = parseTerm(parser)
  if (!term || peek(parser).kind !== 'field') return term
  const { position } = peek(parser)
  const names: string[] = []
  while (peek(parser).kind === 'field') names.push(next(parser).text.slice(1))
  switch (term.kind) {
    case 'field':
    case 'variable':
      return { ...term, position, names: [...term.names, ...names] }
    case 'chain':
    case 'function':
    case 'pipeline':
      return { kind: 'chain', position, operand: term, names }
    default:
      return reject(parser, `unexpected . after term ${quoteGo(literalText(term))}`)
  }
}

function literalText(term: Operand): string {
  if (term.kind === 'string') return term.literal
  if (term.kind === 'number') return term.value.text
  if (term.kind === 'bool') return String(term.value)
  return term.kind === 'nil' ? 'nil' : '.'
}

function parseTerm(parser: Parser): Operand | undefined {
  const token = nextNonSpace(parser)
  const { position, text } = token
  switch (token.kind) {
    case 'identifier':
      if (!parser.functions.has(text)) reject(parser, `function ${quoteGo(text)} not defined`)
      return { kind: 'function', position, name: text }
    case 'dot':
    case 'nil':
      return { kind: token.kind, position }
    case 'variable':
      if (!parser.scope.includes(text)) reject(parser, `undefined variable ${quoteGo(text)}`)
      return { kind: 'variable', position, name: text, names: [] }
    case 'field':
      return { kind: 'field', position, names: [text.slice(1)] }
    case 'bool':
      return { kind: 'bool', position, value: text === 'true' }
    case 'number':
    case 'rune':
      return parseNumberTerm(parser, token)
    case 'open':
      return parseParentheses(parser)
    case 'string':
    case 'raw-string':
      return { kind: 'string', position, literal: text, value: unquote(text) ?? reject(parser, 'invalid syntax') }
  }
  parser.index--
  return undefined
}

function parseNumberTerm(parser: Parser, token: Token): Operand {
  const { position, text } = token
  if (token.kind === 'rune') {
    const code = parseRune(text)
    if (code === undefined) return reject(parser, `malformed character constant: ${text}`)
    return { kind: 'number', position, value: { text, integer: code, float: code }, isRune: true }
  }
  const value = parseNumber(text)
  if (value === 'overflow') return reject(parser, `integer overflow: ${quoteGo(text)}`)
  if (!value) return reject(parser, `illegal number syntax: ${quoteGo(text)}`)
  return { kind: 'number', position, value, isRune: false }
}

function parseParentheses(parser: Parser): Operand {
  if (++parser.depth > MAX_DEPTH) reject(parser, 'max expression depth exceeded')
  const pipeline = parsePipeline(parser, 'parenthesized pipeline', 'close')
  parser.depth--
  return pipeline
}
