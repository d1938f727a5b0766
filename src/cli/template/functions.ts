import { compareEqual, compareLess } from './compare.ts'
import { escapeHtml, escapeJs, escapeQuery } from './escape.ts'
import { FunctionError, type TemplateFunction, textValue } from './function.ts'
import { shrink } from './literals.ts'
import { printValue, sprint, sprintln } from './print.ts'
import { sprintf } from './printf.ts'
import {
  ANY,
  BOOL,
  byteValue,
  entryOf,
  INT,
  indirect,
  isTrue,
  lengthOf,
  numberOf,
  plain,
  stringOf,
  toValue,
  typeName,
  unbox,
  type Value,
} from './values.ts'

const truth = (data: boolean): Value => ({ type: BOOL, data })
const variadic = (call: TemplateFunction['call']): TemplateFunction => ({ parameters: [], rest: 'any', call })
const comparison = (test: (a: Value | undefined, b: Value | undefined) => boolean): TemplateFunction => ({
  parameters: ['any', 'any'],
  call: ([a, b]) => truth(test(a, b)),
})
const isLessOrEqual = (a: Value | undefined, b: Value | undefined): boolean => compareLess(a, b) || compareEqual(a, b)

/** Go's own functions, except `and`, `or` and `call`, which the evaluator knows because they treat arguments their own way. */
export const BUILTINS: ReadonlyMap<string, TemplateFunction> = new Map<string, TemplateFunction>([
  ['html', variadic((args) => textValue(escapeHtml(joined(args))))],
  ['js', variadic((args) => textValue(escapeJs(joined(args))))],
  ['urlquery', variadic((args) => textValue(escapeQuery(joined(args))))],
  ['print', variadic((args) => textValue(sprint(args)))],
  ['println', variadic((args) => textValue(sprintln(args)))],
  [
    'printf',
    { parameters: ['string'], rest: 'any', call: ([format, ...args]) => textValue(sprintf(stringOf(format!), args)) },
  ],
  ['index', { parameters: ['any'], rest: 'any', call: ([item, ...indexes]) => indexOf(item, indexes) }],
  ['slice', { parameters: ['any'], rest: 'any', call: ([item, ...indexes]) => sliceItem(item, indexes) }],
  ['len', { parameters: ['any'], call: ([item]) => lengthValue(item) }],
  ['not', { parameters: ['any'], call: ([value]) => truth(!isTrue(value)) }],
  ['eq', { parameters: ['any'], rest: 'any', call: ([first, ...others]) => truth(isEqualToAny(first, others)) }],
  ['ne', comparison((a, b) => !compareEqual(a, b))],
  ['lt', comparison(compareLess)],
  ['le', comparison(isLessOrEqual)],
  ['gt', comparison((a, b) => !isLessOrEqual(a, b))],
  ['ge', comparison((a, b) => !compareLess(a, b))],
])

/** The text of arguments as the escaping functions see it: printed like a template prints, then joined. */
function joined(args: readonly (Value | undefined)[]): string {
  if (args.length === 1) return printValue(unbox(args[0]))
  return sprint(args.map((arg) => unbox(arg) ?? textValue('<no value>')))
}

function isEqualToAny(first: Value | undefined, others: readonly (Value | undefined)[]): boolean {
  if (others.length === 0) throw new FunctionError('missing argument for comparison')
  return others.some((other) => compareEqual(first, other))
}

function lengthValue(item: Value | undefined): Value {
  if (item === undefined) throw new FunctionError('reflect: call of reflect.Value.Type on zero Value')
  const { value, isNil } = indirect(item)
  if (isNil) throw new FunctionError('len of nil pointer')
  const length = lengthOf(value)
  if (length === undefined) throw new FunctionError(`len of type ${value.type.name}`)
  return { type: INT, data: length }
}

function indexOf(start: Value | undefined, indexes: readonly (Value | undefined)[]): Value | undefined {
  let item = unbox(start)
  if (item === undefined) throw new FunctionError('index of untyped nil')
  for (const index of indexes) {
    const { value, isNil }: { value: Value; isNil: boolean } = indirect(item!)
    if (isNil) throw new FunctionError('index of nil pointer')
    item = indexOnce(value, unbox(index))
  }
  return item
}

function indexOnce(item: Value, index: Value | undefined): Value {
  switch (item.type.kind) {
    case 'string': {
      const bytes = Buffer.from(stringOf(item))
      const position = toIndex(index, bytes.length)
      if (position === bytes.length) throw new FunctionError('reflect: string index out of range')
      return byteValue(bytes[position]!)
    }
    case 'slice': {
      const position = toIndex(index, lengthOf(item)!)
      if (position === lengthOf(item)) throw new FunctionError('reflect: slice index out of range')
      return toValue(item.type.elem, (item.data as unknown[])[position])
    }
    case 'map':
      return entryOf(item, toKey(index)) ?? toValue(item.type.elem, undefined)
    default:
      throw new FunctionError(`can't index item of type ${item.type.name}`)
  }
}

function toKey(index: Value | undefined): string {
  if (index === undefined) throw new FunctionError('value is nil; should be of type string')
  if (index.type.name !== 'string') throw new FunctionError(`value has type ${index.type.name}; should be string`)
  return stringOf(index)
}

function toIndex(index: Value | undefined, last: number): number {
  if (index === undefined) throw new FunctionError('cannot index slice/array with nil')
  if (index.boxed || (index.type.kind !== 'int' && index.type.kind !== 'uint')) {
    throw new FunctionError(`cannot index slice/array with type ${typeName(index)}`)
  }
  const position = Number(numberOf(index))
  if (position < 0 || position > last) throw new FunctionError(`index out of range: ${numberOf(index)}`)
  return position
}

function sliceItem(start: Value | undefined, indexes: readonly (Value | undefined)[]): Value {
  const inner = unbox(start)
  if (inner === undefined) throw new FunctionError('slice of untyped nil')
  const { value: item, isNil } = indirect(inner)
  if (isNil) throw new FunctionError('slice of nil pointer')
  if (indexes.length > 3) throw new FunctionError(`too many slice indexes: ${indexes.length}`)
  if (item.type.kind !== 'string' && item.type.kind !== 'slice') {
    throw new FunctionError(`can't slice item of type ${item.type.name}`)
  }
  if (item.type.kind === 'string' && indexes.length === 3) throw new FunctionError('cannot 3-index slice a string')
  const length = lengthOf(item)!
  const [from = 0, to = length, cap = length] = indexes.map((index) => toIndex(index, length))
  if (from > to) throw new FunctionError(`invalid slice index: ${from} > ${to}`)
  if (to > cap) throw new FunctionError(`invalid slice index: ${to} > ${cap}`)
  if (item.type.kind === 'string') return textValue(Buffer.from(stringOf(item)).subarray(from, to).toString('utf8'))
  return { type: item.type, data: Array.isArray(item.data) ? item.data.slice(from, to) : undefined }
}

/** Go's `call`: runs a function that is part of the data, with plain arguments. */
export function callFunction(name: string, args: readonly (Value | undefined)[]): Value | undefined {
  const target = unbox(args[0])
  if (target === undefined) throw new FunctionError('call of nil')
  if (target.type.kind !== 'func') throw new FunctionError(`non-function ${name} of type ${target.type.name}`)
  return invoke(target.data as (...args: unknown[]) => unknown, name, args.slice(1))
}

/** Calls a method of a row or a function of the data; the number of arguments must fit. */
export function invoke(
  target: (...args: unknown[]) => unknown,
  name: string,
  args: readonly (Value | undefined)[],
): Value | undefined {
  if (args.length !== target.length) {
    throw new FunctionError(`wrong number of args for ${name}: got ${args.length} want ${target.length}`)
  }
  return unbox(toValue(ANY, target(...args.map((arg) => plainNumber(plain(unbox(arg)))))))
}

function plainNumber(data: unknown): unknown {
  return typeof data === 'bigint' ? shrink(data) : data
}
