import { quoteGo } from '../../core/index.ts'
import { evaluatePipeline } from './evaluate.ts'
import { describeNode, type Node, type Pipeline } from './nodes.ts'
import type { ParsedTemplate } from './parse.ts'
import { formatValue, printValue } from './print.ts'
import { createState, type ExecuteOptions, raise, type State, setVariable } from './state.ts'
import { elementsOf, entriesOf, INT, indirect, isTrue, numberOf, STRING, type Value } from './values.ts'

type Jump = 'break' | 'continue' | undefined

/**
 * Runs a parsed template over a value and returns its output. Fails with `TEMPLATE_FAILED`, worded as Go does
 * (`template: :1:2: executing "" at <.Foo>: can't evaluate field Foo in type T`). Nothing is printed on failure.
 */
export function executeTemplate(template: ParsedTemplate, data: Value | undefined, options: ExecuteOptions): string {
  const state = createState(template, data, options)
  walk(state, data, template.nodes)
  return state.out.join('')
}

function write(state: State, text: string): void {
  state.counters.size += text.length
  if (state.counters.size > state.limits.output) raise(state, `output is larger than ${state.limits.output} characters`)
  state.out.push(text)
}

function walk(state: State, dot: Value | undefined, nodes: readonly Node[]): Jump {
  for (const node of nodes) {
    const jump = walkNode(state, dot, node)
    if (jump !== undefined) return jump
  }
  return undefined
}

function walkNode(state: State, dot: Value | undefined, node: Node): Jump {
  state.node = node
  if (++state.counters.steps > state.limits.steps) raise(state, `more than ${state.limits.steps} steps`)
  switch (node.kind) {
    case 'text':
      write(state, node.text)
      return undefined
    case 'action': {
      const value = evaluatePipeline(state, dot, node.pipeline)
      if (node.pipeline.variables.length === 0) printTo(state, node, value)
      return undefined
    }
    case 'if':
    case 'with':
      return walkBranch(state, dot, node)
    case 'range':
      return walkRange(state, dot, node)
    case 'template':
      walkTemplate(state, dot, node)
      return undefined
    default:
      return node.kind
  }
}

function printTo(state: State, node: Node, value: Value | undefined): void {
  state.node = node
  if (value?.type.kind === 'func') raise(state, `can't print ${describeNode(node)} of type ${value.type.name}`)
  write(state, printValue(value))
}

type Branch = Extract<Node, { kind: 'if' | 'with' | 'range' }>

function walkBranch(state: State, dot: Value | undefined, node: Branch): Jump {
  const mark = state.scope.length
  const value = evaluatePipeline(state, dot, node.pipeline)
  const taken = isTrue(value) ? node.body : (node.otherwise ?? [])
  const jump = walk(state, isTrue(value) && node.kind === 'with' ? value : dot, taken)
  state.scope.length = mark
  return jump
}

function walkRange(state: State, dot: Value | undefined, node: Branch): Jump {
  const outer = state.scope.length
  const evaluated = evaluatePipeline(state, dot, node.pipeline)
  const items = itemsOf(state, evaluated === undefined ? undefined : indirect(evaluated).value, node.pipeline)
  const mark = state.scope.length
  let isEmpty = true
  let jump: Jump
  for (const [index, item] of items) {
    isEmpty = false
    bindItem(state, node.pipeline, index, item)
    jump = walk(state, item, node.body)
    state.scope.length = mark
    if (jump === 'break') break
  }
  jump = isEmpty && node.otherwise ? walk(state, dot, node.otherwise) : undefined
  state.scope.length = outer
  return jump
}

/** What `range` goes over, with the index or key of each. */
function* itemsOf(
  state: State,
  value: Value | undefined,
  pipeline: Pipeline,
): Generator<[Value | undefined, Value | undefined]> {
  switch (value?.type.kind) {
    case undefined:
      return
    case 'slice':
      yield* elementsOf(value).map((item, i): [Value, Value] => [{ type: INT, data: i }, item])
      return
    case 'map':
      yield* entriesOf(value).map(([key, item]): [Value, Value] => [{ type: STRING, data: key }, item])
      return
    case 'int':
    case 'uint':
      if (pipeline.variables.length > 1) {
        raise(state, `can't use ${formatValue(value)} to iterate over more than one variable`)
      }
      for (let i = 0; i < numberOf(value); i++) yield [undefined, { type: value.type, data: i }]
      return
    case 'any':
      return
    default:
      raise(state, `range can't iterate over ${formatValue(value)}`)
  }
}

function bindItem(state: State, pipeline: Pipeline, index: Value | undefined, item: Value | undefined): void {
  const values = pipeline.variables.length > 1 ? [index, item] : [item]
  pipeline.variables.forEach((name, i) => {
    setVariable(state, name, values[i])
  })
}

function walkTemplate(state: State, dot: Value | undefined, node: Extract<Node, { kind: 'template' }>): void {
  const nodes = state.template.defined.get(node.name) ?? (node.name === '' ? state.template.nodes : undefined)
  if (!nodes) raise(state, `template ${quoteGo(node.name)} not defined`)
  if (state.depth >= state.limits.depth) raise(state, `exceeded maximum template depth (${state.limits.depth})`)
  const value = node.pipeline ? evaluatePipeline(state, dot, node.pipeline) : undefined
  const inner: State = { ...state, name: node.name, depth: state.depth + 1, scope: [{ name: '$', value }] }
  walk(inner, value, nodes)
}
