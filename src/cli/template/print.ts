import { formatDuration, quoteGo } from '../../core/index.ts'
import { formatFloat } from '../render/float.ts'
import { goTimeOfText } from '../render/times.ts'
import { elementsOf, entriesOf, fieldOf, indirect, numberOf, stringOf, unbox, type Value } from './values.ts'

/** How deep values are shown; beyond it an ellipsis stands for the rest. JSON from outside is capped at 64 levels. */
const MAX_DEPTH = 200

/** Variants of `%v`: `plus` names the fields of structs, `sharp` is Go syntax. */
export interface PrintStyle {
  plus?: boolean
  sharp?: boolean
}

/** What a template prints for a value: Go's `%v`, and `<no value>` for none. */
export function printValue(value: Value | undefined): string {
  if (value === undefined) return '<no value>'
  return formatValue(value.type.kind === 'pointer' ? indirect(value).value : value)
}

/** Go's `fmt.Sprint`: a space between two operands when neither is a string. */
export function sprint(values: readonly (Value | undefined)[]): string {
  let out = ''
  values.forEach((value, i) => {
    const isText = unbox(value)?.type.kind === 'string'
    const wasText = i > 0 && unbox(values[i - 1])?.type.kind === 'string'
    out += `${i > 0 && !isText && !wasText ? ' ' : ''}${formatValue(value)}`
  })
  return out
}

/** Go's `fmt.Sprintln`: always a space between, and a newline at the end. */
export function sprintln(values: readonly (Value | undefined)[]): string {
  return `${values.map((value) => formatValue(value)).join(' ')}\n`
}

/** Go's `%v`, `%+v` and `%#v` of a value; `<nil>` for none. */
export function formatValue(value: Value | undefined, style: PrintStyle = {}, depth = 0): string {
  const inner = unbox(value)
  if (inner === undefined) return style.sharp && depth > 0 ? 'interface {}(nil)' : '<nil>'
  if (depth > MAX_DEPTH) return '...'
  switch (inner.type.kind) {
    case 'bool':
      return String(inner.data === true)
    case 'int':
      return inner.type.name === 'time.Duration' ? formatDuration(Number(numberOf(inner))) : String(numberOf(inner))
    case 'uint':
      return style.sharp ? `0x${numberOf(inner).toString(16)}` : String(numberOf(inner))
    case 'float':
      return formatFloat(Number(numberOf(inner)), style.sharp ? 'g' : 'v', -1)
    case 'string':
      if (inner.type.name === 'time.Time') return goTimeOfText(stringOf(inner))
      return style.sharp ? quoteGo(stringOf(inner)) : stringOf(inner)
    case 'slice':
      return formatSlice(inner, style, depth)
    case 'map':
      return formatMap(inner, style, depth)
    case 'struct':
    case 'row':
      return formatStruct(inner, style, depth)
    case 'pointer':
      return formatPointer(inner, style, depth)
    default:
      return POINTER
  }
}

/** What stands for an address: Go's differ from run to run, so any will do. */
const POINTER = '0xc000012345'

function formatSlice(value: Value, style: PrintStyle, depth: number): string {
  if (style.sharp && value.data === undefined) return `${value.type.name}(nil)`
  const elements = elementsOf(value).map((element) => formatValue(element, style, depth + 1))
  return style.sharp ? `${value.type.name}{${elements.join(', ')}}` : `[${elements.join(' ')}]`
}

function formatMap(value: Value, style: PrintStyle, depth: number): string {
  if (style.sharp && value.data === undefined) return `${value.type.name}(nil)`
  const entries = entriesOf(value).map(
    ([key, entry]) => `${style.sharp ? quoteGo(key) : key}:${formatValue(entry, style, depth + 1)}`,
  )
  return style.sharp ? `${value.type.name}{${entries.join(', ')}}` : `map[${entries.join(' ')}]`
}

function formatStruct(value: Value, style: PrintStyle, depth: number): string {
  const names = value.type.kind === 'struct' ? [...value.type.fields.keys()] : []
  const fields = names.map((name) => {
    const text = formatValue(fieldOf(value, name), style, depth + 1)
    return style.plus || style.sharp ? `${name}:${text}` : text
  })
  return style.sharp ? `${value.type.name}{${fields.join(', ')}}` : `{${fields.join(' ')}}`
}

function formatPointer(value: Value, style: PrintStyle, depth: number): string {
  if (value.data === undefined) return style.sharp ? `(${value.type.name})(nil)` : '<nil>'
  if (depth > 0) return style.sharp ? `(${value.type.name})(${POINTER})` : POINTER
  const target = indirect(value).value
  const isAggregate = ['struct', 'map', 'slice'].includes(target.type.kind)
  return isAggregate ? `&${formatValue(target, style, depth + 1)}` : POINTER
}
