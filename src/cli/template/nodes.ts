import { quoteGo } from '../../core/index.ts'
import type { NumberLiteral } from './literals.ts'

interface Placed {
  /** Offset into the template's text, for error messages. */
  position: number
}

/** What a command is made of: a constant, a value out of the data, a function name, or a pipeline in parentheses. */
export type Operand =
  | (Placed & { kind: 'bool'; value: boolean })
  | (Placed & { kind: 'number'; value: NumberLiteral; isRune: boolean })
  | (Placed & { kind: 'string'; literal: string; value: string })
  | (Placed & { kind: 'dot' })
  | (Placed & { kind: 'nil' })
  | (Placed & { kind: 'field'; names: readonly string[] })
  | (Placed & { kind: 'variable'; name: string; names: readonly string[] })
  | (Placed & { kind: 'chain'; operand: Operand; names: readonly string[] })
  | (Placed & { kind: 'function'; name: string })
  | Pipeline

/** `operand operand ...`: a function or method and its arguments, or one value. */
export interface Command extends Placed {
  kind: 'command'
  operands: readonly Operand[]
}

/** `$x := command | command`. */
export interface Pipeline extends Placed {
  kind: 'pipeline'
  variables: readonly string[]
  /** `=` instead of `:=`. */
  assigns: boolean
  commands: readonly Command[]
}

/** A piece of a template as it is executed, in order. */
export type Node =
  | (Placed & { kind: 'text'; text: string })
  | (Placed & { kind: 'action'; pipeline: Pipeline })
  | (Placed & { kind: 'if' | 'with' | 'range'; pipeline: Pipeline; body: Node[]; otherwise: Node[] | undefined })
  | (Placed & { kind: 'template'; name: string; pipeline: Pipeline | undefined })
  | (Placed & { kind: 'break' | 'continue' })

/** Anything that an error message can point at. */
export type AnyNode = Node | Operand | Command

/** The source form of a node, normalised as Go shows it between `<` and `>` in an error. */
export function describeNode(node: AnyNode): string {
  switch (node.kind) {
    case 'text':
      return node.text
    case 'action':
      return `{{${describeNode(node.pipeline)}}}`
    case 'template':
      return `{{template ${quoteGo(node.name)}${node.pipeline ? ` ${describeNode(node.pipeline)}` : ''}}}`
    case 'break':
    case 'continue':
      return `{{${node.kind}}}`
    case 'if':
    case 'with':
    case 'range':
      return describeBranch(node)
    default:
      return describeOperand(node)
  }
}

function describeBranch(node: Extract<Node, { kind: 'if' | 'with' | 'range' }>): string {
  const list = (nodes: readonly Node[]): string => nodes.map(describeNode).join('')
  const otherwise = node.otherwise ? `{{else}}${list(node.otherwise)}` : ''
  return `{{${node.kind} ${describeNode(node.pipeline)}}}${list(node.body)}${otherwise}{{end}}`
}

function describeOperand(node: Operand | Command): string {
  switch (node.kind) {
    case 'bool':
      return String(node.value)
    case 'number':
      return node.value.text
    case 'string':
      return node.literal
    case 'dot':
      return '.'
    case 'nil':
      return 'nil'
    case 'field':
      return node.names.map((name) => `.${name}`).join('')
    case 'variable':
      return [node.name, ...node.names].join('.')
    case 'chain':
      return `${inParentheses(node.operand)}${node.names.map((name) => `.${name}`).join('')}`
    case 'function':
      return node.name
    case 'command':
      return node.operands.map(inParentheses).join(' ')
    case 'pipeline':
      return `${declarations(node)}${node.commands.map(describeOperand).join(' | ')}`
  }
}

function inParentheses(operand: Operand): string {
  return operand.kind === 'pipeline' ? `(${describeOperand(operand)})` : describeOperand(operand)
}

function declarations(node: Pipeline): string {
  return node.variables.length === 0 ? '' : `${node.variables.join(', ')} ${node.assigns ? '=' : ':='} `
}
