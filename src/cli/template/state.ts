import { fail, quoteGo } from '../../core/index.ts'
import type { TemplateFunction } from './function.ts'
import { type AnyNode, describeNode } from './nodes.ts'
import type { ParsedTemplate } from './parse.ts'
import type { Value } from './values.ts'

/** How to run a template. */
export interface ExecuteOptions {
  functions: ReadonlyMap<string, TemplateFunction>
  /** Go's `missingkey=error`: a map without the key is an error instead of `<no value>`. */
  missingKeyFails?: boolean
  /** Caps on what a template may do, so that a wrong one ends. */
  limits?: Partial<Limits>
}

/** What an execution may use up. */
export interface Limits {
  /** UTF-16 units of output. */
  output: number
  /** Nested calls of `template`. */
  depth: number
  /** Nodes executed. */
  steps: number
}

const LIMITS: Limits = { output: 64 * 1024 * 1024, depth: 500, steps: 20_000_000 }

/** An execution under way. */
export interface State {
  template: ParsedTemplate
  options: ExecuteOptions
  limits: Limits
  name: string
  node: AnyNode | undefined
  scope: { name: string; value: Value | undefined }[]
  depth: number
  counters: { steps: number; size: number }
  out: string[]
}

/** What a command was given through a pipe; `undefined` inside is a value that is not there. */
export interface Piped {
  value: Value | undefined
}

/** A fresh state: `$` is the data. */
export function createState(template: ParsedTemplate, data: Value | undefined, options: ExecuteOptions): State {
  return {
    template,
    options,
    limits: { ...LIMITS, ...options.limits },
    name: '',
    node: undefined,
    scope: [{ name: '$', value: data }],
    depth: 0,
    counters: { steps: 0, size: 0 },
    out: [],
  }
}

/** Fails with the place that was being executed. */
export function raise(state: State, message: string): never {
  const where =
    state.node === undefined
      ? ''
      : `${locate(state.template.text, state.node.position)}: executing ${quoteGo(state.name)} at <${describeNode(state.node)}>: `
  throw fail('TEMPLATE_FAILED', `template: :${where}${message}`)
}

/** `line:column`; the column counts bytes from 0. */
function locate(text: string, position: number): string {
  const before = text.slice(0, position)
  const lineStart = before.lastIndexOf('\n') + 1
  const line = before.split('\n').length
  return `${line}:${Buffer.byteLength(before.slice(lineStart))}`
}

/** Gives the innermost variable of this name a new value. */
export function setVariable(state: State, name: string, value: Value | undefined): void {
  const variable = state.scope.findLast((candidate) => candidate.name === name)
  if (!variable) raise(state, `undefined variable: ${name}`)
  variable.value = value
}
