import { quoteGo } from '../../core/index.ts'
import { FunctionError, type Parameter, type TemplateFunction } from './function.ts'
import { callFunction, invoke } from './functions.ts'
import { type AnyNode, type Command, describeNode, type Operand, type Pipeline } from './nodes.ts'
import { formatValue } from './print.ts'
import { type Piped, raise, type State, setVariable } from './state.ts'
import {
  ANY,
  BOOL,
  entryOf,
  FLOAT,
  fieldOf,
  type GoType,
  INT,
  indirect,
  isTrue,
  STRING,
  toValue,
  typeName,
  unbox,
  type Value,
} from './values.ts'

/** The value of a pipeline; declares or sets the variables it names. */
export function evaluatePipeline(state: State, dot: Value | undefined, pipeline: Pipeline): Value | undefined {
  state.node = pipeline
  let piped: Piped | undefined
  for (const command of pipeline.commands) piped = { value: unbox(evaluateCommand(state, dot, command, piped)) }
  for (const name of pipeline.variables) {
    if (pipeline.assigns) setVariable(state, name, piped?.value)
    else state.scope.push({ name, value: piped?.value })
  }
  return piped?.value
}

function evaluateCommand(
  state: State,
  dot: Value | undefined,
  command: Command,
  piped: Piped | undefined,
): Value | undefined {
  const [first, ...args] = command.operands
  const operand = first!
  switch (operand.kind) {
    case 'field':
    case 'chain':
    case 'variable':
      return evaluatePath(state, dot, operand, { args, piped })
    case 'function':
      state.node = operand
      return evaluateFunction(state, dot, operand.name, { args, piped, node: command })
    case 'pipeline':
      checkNotCalled(state, operand, args, piped)
      return evaluatePipeline(state, dot, operand)
    case 'nil':
      state.node = operand
      checkNotCalled(state, operand, args, piped)
      return raise(state, 'nil is not a command')
    default:
      state.node = operand
      checkNotCalled(state, operand, args, piped)
      return evaluateLiteral(state, dot, operand)
  }
}

function checkNotCalled(state: State, operand: Operand, args: readonly Operand[], piped: Piped | undefined): void {
  if (args.length > 0 || piped) raise(state, `can't give argument to non-function ${describeNode(operand)}`)
}

type Literal = Extract<Operand, { kind: 'bool' | 'number' | 'string' | 'dot' | 'nil' }>

function evaluateLiteral(state: State, dot: Value | undefined, operand: Literal): Value | undefined {
  switch (operand.kind) {
    case 'bool':
      return { type: BOOL, data: operand.value }
    case 'string':
      return { type: STRING, data: operand.value }
    case 'number':
      return evaluateNumber(state, operand)
    case 'dot':
      return dot
    default:
      return undefined
  }
}

function evaluateNumber(state: State, operand: Extract<Operand, { kind: 'number' }>): Value {
  state.node = operand
  const { text, integer, float } = operand.value
  const isHex = /^[+-]?0[xX]/.test(text)
  if (!operand.isRune && !isHex && /[.eEpP]/.test(text)) return { type: FLOAT, data: float }
  if (integer === undefined || integer > 0x7fff_ffff_ffff_ffffn) raise(state, `${text} overflows int`)
  return { type: INT, data: integer }
}

interface Call {
  args: readonly Operand[]
  piped: Piped | undefined
}

type Path = Extract<Operand, { kind: 'field' | 'chain' | 'variable' }>

/** `.A.B`, `$x.A.B` and `(pipeline).A.B`; only the last name may be a method with arguments. */
function evaluatePath(state: State, dot: Value | undefined, path: Path, call: Call): Value | undefined {
  state.node = path
  let receiver = startOf(state, dot, path)
  if (path.kind === 'variable' && path.names.length === 0) {
    checkNotCalled(state, path, call.args, call.piped)
    return receiver
  }
  path.names.forEach((name, i) => {
    const isLast = i === path.names.length - 1
    receiver = evaluateField(state, dot, receiver, { name, path, ...(isLast ? call : { args: [], piped: undefined }) })
  })
  return receiver
}

function startOf(state: State, dot: Value | undefined, path: Path): Value | undefined {
  if (path.kind === 'field') return dot
  if (path.kind === 'variable') {
    const variable = state.scope.findLast((candidate) => candidate.name === path.name)
    return variable ? variable.value : raise(state, `undefined variable: ${path.name}`)
  }
  if (path.operand.kind === 'nil') raise(state, `indirection through explicit nil in ${describeNode(path)}`)
  return evaluateArgument(state, dot, path.operand, 'any')
}

interface FieldAccess extends Call {
  name: string
  path: Path
}

function evaluateField(
  state: State,
  dot: Value | undefined,
  from: Value | undefined,
  access: FieldAccess,
): Value | undefined {
  const { name } = access
  if (from === undefined) {
    if (state.options.missingKeyFails) raise(state, `nil data; no entry for key ${quoteGo(name)}`)
    return undefined
  }
  const { value: receiver, isNil } = indirect(from)
  if (isNil && receiver.type.kind === 'any') raise(state, `nil pointer evaluating ${typeName(from)}.${name}`)
  const hasArguments = access.args.length > 0 || access.piped !== undefined
  switch (receiver.type.kind) {
    case 'row':
      return evaluateMethod(state, dot, receiver, access)
    case 'struct': {
      const field = fieldOf(receiver, name)
      if (field && hasArguments) raise(state, `${name} has arguments but cannot be invoked as function`)
      if (field) return field
      break
    }
    case 'map':
      if (hasArguments) raise(state, `${name} is not a method but has arguments`)
      return evaluateEntry(state, receiver, name)
    case 'pointer':
      if (isNil && hasField(receiver.type.elem, name)) raise(state, `nil pointer evaluating ${typeName(from)}.${name}`)
  }
  return raise(state, `can't evaluate field ${name} in type ${typeName(from)}`)
}

/** Go speaks of a nil pointer only where the field would exist. */
function hasField(type: GoType, name: string): boolean {
  return type.kind !== 'struct' || type.fields.has(name)
}

function evaluateEntry(state: State, map: Value, name: string): Value | undefined {
  const entry = entryOf(map, name)
  if (entry === undefined && state.options.missingKeyFails) raise(state, `map has no entry for key ${quoteGo(name)}`)
  return entry
}

function evaluateMethod(state: State, dot: Value | undefined, row: Value, access: FieldAccess): Value | undefined {
  const { name } = access
  const data = row.data as Record<string, unknown>
  if (!Object.hasOwn(data, name)) {
    if (row.type.kind === 'row' && row.type.isOpen) return undefined
    raise(state, `can't evaluate field ${name} in type ${row.type.name}`)
  }
  const member = data[name]
  const wanted = typeof member === 'function' ? member.length : 0
  const given = access.args.length + (access.piped ? 1 : 0)
  if (given !== wanted) raise(state, `wrong number of args for ${name}: want ${wanted} got ${given}`)
  if (typeof member !== 'function') return unbox(toValue(ANY, member))
  const args = access.args.map((arg) => evaluateArgument(state, dot, arg, 'string'))
  if (access.piped) args.push(validate(state, access.piped.value, 'string'))
  return invoke(member as (...values: unknown[]) => unknown, name, args)
}

function evaluateFunction(
  state: State,
  dot: Value | undefined,
  name: string,
  call: Call & { node: AnyNode },
): Value | undefined {
  if (name === 'and' || name === 'or') return evaluateLogic(state, dot, name, call)
  if (name === 'call') return evaluateCall(state, dot, call)
  const target = state.options.functions.get(name)
  if (!target) return raise(state, `${quoteGo(name)} is not a defined function`)
  const args = collectArguments(state, dot, { name, target, call })
  return guarded(state, name, call.node, () => target.call(args))
}

function guarded(state: State, name: string, node: AnyNode, work: () => Value | undefined): Value | undefined {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof FunctionError)) throw error
    state.node = node
    return raise(state, `error calling ${name}: ${error.message}`)
  }
}

function collectArguments(
  state: State,
  dot: Value | undefined,
  { name, target, call }: { name: string; target: TemplateFunction; call: Call },
): (Value | undefined)[] {
  const { parameters, rest } = target
  const given = call.args.length + (call.piped ? 1 : 0)
  if (rest !== undefined && given < parameters.length) {
    raise(state, `wrong number of args for ${name}: want at least ${parameters.length} got ${call.args.length}`)
  }
  if (rest === undefined && given !== parameters.length) {
    raise(state, `wrong number of args for ${name}: want ${parameters.length} got ${given}`)
  }
  const args = call.args.map((arg, i) => evaluateArgument(state, dot, arg, parameters[i] ?? rest!))
  if (call.piped) args.push(validate(state, call.piped.value, parameters[args.length] ?? rest!))
  return args
}

/** `and` and `or` evaluate their arguments one by one and stop at the one that decides. */
function evaluateLogic(state: State, dot: Value | undefined, name: 'and' | 'or', call: Call): Value | undefined {
  if (call.args.length === 0 && !call.piped) raise(state, `wrong number of args for ${name}: want at least 1 got 0`)
  let value: Value | undefined
  for (const arg of call.args) {
    value = evaluateArgument(state, dot, arg, 'any')
    if (isTrue(value) === (name === 'or')) return value
  }
  return call.piped ? call.piped.value : value
}

function evaluateCall(state: State, dot: Value | undefined, call: Call & { node: AnyNode }): Value | undefined {
  if (call.args.length === 0 && !call.piped) raise(state, 'wrong number of args for call: want at least 1 got 0')
  const args = call.args.map((arg) => evaluateArgument(state, dot, arg, 'any'))
  if (call.piped) args.push(call.piped.value)
  const name = call.args[0] ? describeNode(call.args[0]) : nameOf(args[0])
  return guarded(state, 'call', call.node, () => callFunction(name, args))
}

/** How Go's reflection shows a value that was piped into `call`. */
function nameOf(value: Value | undefined): string {
  return value?.type.kind === 'string' ? formatValue(value) : `<${value?.type.name ?? 'invalid'} Value>`
}

function evaluateArgument(
  state: State,
  dot: Value | undefined,
  operand: Operand,
  parameter: Parameter,
): Value | undefined {
  state.node = operand
  const none: Call = { args: [], piped: undefined }
  switch (operand.kind) {
    case 'dot':
      return validate(state, dot, parameter)
    case 'nil':
      if (parameter === 'any' || parameter === '[]string') return undefined
      return raise(state, `cannot assign nil to ${parameter}`)
    case 'field':
    case 'variable':
    case 'chain':
      return validate(state, evaluatePath(state, dot, operand, none), parameter)
    case 'pipeline':
      return validate(state, evaluatePipeline(state, dot, operand), parameter)
    case 'function':
      return validate(state, evaluateFunction(state, dot, operand.name, { ...none, node: operand }), parameter)
    default:
      return evaluateConstant(state, operand, parameter)
  }
}

function evaluateConstant(state: State, operand: Literal, parameter: Parameter): Value | undefined {
  if (parameter === 'any') return evaluateLiteral(state, undefined, operand)
  if (parameter === 'string') {
    if (operand.kind === 'string') return { type: STRING, data: operand.value }
    raise(state, `expected string; found ${describeNode(operand)}`)
  }
  if (parameter === 'int') {
    if (operand.kind === 'number' && operand.value.integer !== undefined)
      return { type: INT, data: operand.value.integer }
    raise(state, `expected integer; found ${describeNode(operand)}`)
  }
  return raise(state, `can't handle ${describeNode(operand)} for arg of type ${parameter}`)
}

/** Checks a value against the type that a function wants; pointers are followed once. */
function validate(state: State, value: Value | undefined, parameter: Parameter): Value | undefined {
  if (parameter === 'any') return value
  const inner = unbox(value)
  if (inner === undefined) {
    if (value === undefined && parameter === '[]string')
      return { type: { kind: 'slice', name: '[]string', elem: STRING }, data: [] }
    return raise(
      state,
      value === undefined ? `invalid value; expected ${parameter}` : wrongType(parameter, 'interface {}'),
    )
  }
  const target = inner.type.kind === 'pointer' ? indirect(inner).value : inner
  if (target.type.name === parameter) return target
  return raise(state, wrongType(parameter, inner.type.name))
}

function wrongType(expected: string, actual: string): string {
  return `wrong type for value; expected ${expected}; got ${actual}`
}
