import { isGoPrintable, quoteGo } from '../../core/index.ts'
import { formatFloat } from '../render/float.ts'
import { formatValue } from './print.ts'
import { elementsOf, entriesOf, indirect, numberOf, STRING, stringOf, unbox, type Value } from './values.ts'

/** Go refuses widths and precisions beyond this. */
const MAX_WIDTH = 1_000_000

interface Verb {
  letter: string
  minus: boolean
  plus: boolean
  sharp: boolean
  space: boolean
  zero: boolean
  width: number | undefined
  precision: number | undefined
}

interface State {
  format: string
  position: number
  values: readonly (Value | undefined)[]
  next: number
  reordered: boolean
  /** What was read last was a `[n]`. */
  afterIndex: boolean
  /** A `[n]` that names no operand spoils the verb it stands in. */
  badIndex: boolean
}

/** Go's `fmt.Sprintf`, with its `%!verb(type=value)` texts where format and operands do not fit. */
export function sprintf(format: string, values: readonly (Value | undefined)[]): string {
  const state: State = { format, position: 0, values, next: 0, reordered: false, afterIndex: false, badIndex: false }
  let out = ''
  while (state.position < format.length) {
    const percent = format.indexOf('%', state.position)
    const end = percent < 0 ? format.length : percent
    out += format.slice(state.position, end)
    state.position = end
    if (percent < 0) break
    state.position++
    out += formatDirective(state)
  }
  if (state.reordered || state.next >= values.length) return out
  const extra = values.slice(state.next).map((value) => `${describeType(value)}${formatValue(value)}`)
  return `${out}%!(EXTRA ${extra.join(', ')})`
}

function describeType(value: Value | undefined): string {
  const inner = unbox(value)
  return inner === undefined ? '' : `${inner.type.name}=`
}

function formatDirective(state: State): string {
  Object.assign(state, { afterIndex: false, badIndex: false })
  const verb: Verb = { ...readFlags(state), letter: '', width: undefined, precision: undefined }
  const problem = readWidth(state, verb) + readPrecision(state, verb)
  if (!state.afterIndex) readIndex(state)
  const code = state.format.codePointAt(state.position)
  if (code === undefined) return `${problem}%!(NOVERB)`
  verb.letter = String.fromCodePoint(code)
  state.position += verb.letter.length
  if (verb.letter === '%') return `${problem}%`
  if (state.badIndex) return `${problem}%!${verb.letter}(BADINDEX)`
  if (state.next >= state.values.length) return `${problem}%!${verb.letter}(MISSING)`
  return problem + formatOperand(verb, state.values[state.next++])
}

function readFlags(state: State): Omit<Verb, 'letter' | 'width' | 'precision'> {
  const flags = { minus: false, plus: false, sharp: false, space: false, zero: false }
  const names: Readonly<Record<string, keyof typeof flags>> = {
    '-': 'minus',
    '+': 'plus',
    '#': 'sharp',
    ' ': 'space',
    '0': 'zero',
  }
  for (let name = names[state.format[state.position] ?? '']; name; name = names[state.format[state.position] ?? '']) {
    flags[name] = true
    state.position++
  }
  return flags
}

function readWidth(state: State, verb: Verb): string {
  readIndex(state)
  if (state.format[state.position] === '*') {
    const width = takeInteger(state)
    if (width === undefined) return '%!(BADWIDTH)'
    verb.width = Math.abs(width)
    if (width < 0) Object.assign(verb, { minus: true, zero: false })
    return ''
  }
  verb.width = readDigits(state)
  if (state.afterIndex && verb.width !== undefined) state.badIndex = true
  return ''
}

function readPrecision(state: State, verb: Verb): string {
  if (state.format[state.position] !== '.') return ''
  state.position++
  if (state.afterIndex) state.badIndex = true
  readIndex(state)
  if (state.format[state.position] === '*') {
    const precision = takeInteger(state)
    if (precision === undefined || precision < 0) return '%!(BADPREC)'
    verb.precision = precision
    return ''
  }
  verb.precision = readDigits(state) ?? 0
  return ''
}

function readDigits(state: State): number | undefined {
  const start = state.position
  while (state.format[state.position]! >= '0' && state.format[state.position]! <= '9') state.position++
  if (start === state.position) return undefined
  const number = Number(state.format.slice(start, state.position))
  return number > MAX_WIDTH ? undefined : number
}

/** `[n]`: the operand to use next, counted from 1. */
function readIndex(state: State): void {
  state.afterIndex = state.format[state.position] === '['
  if (!state.afterIndex) return
  state.reordered = true
  const close = state.format.indexOf(']', state.position)
  const digits = close < 0 ? '' : state.format.slice(state.position + 1, close)
  const index = /^\d{1,7}$/.test(digits) ? Number(digits) : 0
  state.position = close < 0 ? state.position + 1 : close + 1
  if (index < 1 || index > state.values.length) state.badIndex = true
  else state.next = index - 1
}

/** The operand that `*` stands for, as a width or precision; undefined when it is not a sensible integer. */
function takeInteger(state: State): number | undefined {
  state.position++
  state.afterIndex = false
  if (state.next >= state.values.length) return undefined
  const value = unbox(state.values[state.next++])
  if (value?.type.kind !== 'int' && value?.type.kind !== 'uint') return undefined
  const number = Number(numberOf(value))
  return Math.abs(number) > MAX_WIDTH ? undefined : number
}

function formatOperand(verb: Verb, value: Value | undefined): string {
  const inner = unbox(value)
  if (verb.letter === 'T')
    return formatString({ ...verb, letter: 's' }, inner === undefined ? '<nil>' : inner.type.name)
  if (inner === undefined) return verb.letter === 'v' ? pad(verb, '<nil>') : `%!${verb.letter}(<nil>)`
  if (verb.letter === 'p') return `%!p(${inner.type.name}=${formatValue(inner)})`
  return formatDeep(verb, inner, 0)
}

/** Lists, maps and structs hand the verb down to what they hold. */
function formatDeep(verb: Verb, value: Value | undefined, depth: number): string {
  const inner = unbox(value)
  if (inner === undefined) return '<nil>'
  const bytesOf = ['s', 'q', 'x', 'X'].includes(verb.letter) && inner.type.name === '[]uint8'
  if (depth > 200 || bytesOf) return formatValue(inner)
  if (verb.letter === 'v' && verb.sharp) return pad(verb, formatValue(inner, { sharp: true }))
  switch (inner.type.kind) {
    case 'slice':
      return `[${elementsOf(inner)
        .map((item) => formatDeep(verb, item, depth + 1))
        .join(' ')}]`
    case 'map': {
      const key = (name: string): string => formatScalar(verb, { type: STRING, data: name })
      return `map[${entriesOf(inner)
        .map(([name, item]) => `${key(name)}:${formatDeep(verb, item, depth + 1)}`)
        .join(' ')}]`
    }
    case 'pointer':
      if (depth > 0 || inner.data === undefined) break
      return `&${formatDeep(verb, indirect(inner).value, depth + 1)}`
    case 'struct':
    case 'row':
    case 'func':
      break
    default:
      return formatScalar(verb, inner)
  }
  return pad(verb, formatValue(inner, { plus: verb.plus }))
}

function formatScalar(verb: Verb, value: Value): string {
  switch (value.type.kind) {
    case 'bool':
      return verb.letter === 't' || verb.letter === 'v'
        ? pad(verb, String(value.data === true))
        : wrongVerb(verb, value)
    case 'int':
    case 'uint':
      return INTEGER_VERBS.includes(verb.letter) ? formatInteger(verb, BigInt(numberOf(value))) : wrongVerb(verb, value)
    case 'float':
      return FLOAT_VERBS.includes(verb.letter) ? formatFloatVerb(verb, Number(numberOf(value))) : wrongVerb(verb, value)
    default:
      return STRING_VERBS.includes(verb.letter) ? formatString(verb, stringOf(value)) : wrongVerb(verb, value)
  }
}

const INTEGER_VERBS = ['v', 'd', 'b', 'o', 'O', 'x', 'X', 'c', 'q', 'U']
const FLOAT_VERBS = ['v', 'e', 'E', 'f', 'F', 'g', 'G']
const STRING_VERBS = ['v', 's', 'x', 'X', 'q']

function wrongVerb(verb: Verb, value: Value): string {
  return `%!${verb.letter}(${value.type.name}=${formatScalar({ ...verb, letter: 'v' }, value)})`
}

function formatString(verb: Verb, text: string): string {
  const runes = verb.precision === undefined ? undefined : [...text].slice(0, verb.precision).join('')
  switch (verb.letter) {
    case 'x':
    case 'X':
      return pad(verb, hexOf(verb, Buffer.from(text)))
    case 'q':
      return pad(verb, quoted(verb, runes ?? text))
    default:
      return pad(verb, runes ?? text)
  }
}

function quoted(verb: Verb, text: string): string {
  if (verb.sharp && !text.includes('`') && !/[\x00-\x08\x0a-\x1f\x7f\ufeff]/.test(text)) return `\`${text}\``
  return quoteGo(text, { ascii: verb.plus })
}

function hexOf(verb: Verb, bytes: Buffer): string {
  const hex = bytes.subarray(0, verb.precision ?? bytes.length).toString('hex')
  const text = verb.letter === 'X' ? hex.toUpperCase() : hex
  const prefix = verb.sharp && text !== '' ? `0${verb.letter}` : ''
  if (!verb.space) return prefix + text
  return (text.match(/../g) ?? []).map((pair) => prefix + pair).join(' ')
}

const RADIX: Readonly<Record<string, number>> = { b: 2, o: 8, O: 8, x: 16, X: 16 }

function formatInteger(verb: Verb, value: bigint): string {
  if (verb.letter === 'c' || verb.letter === 'q') return formatRune(verb, value)
  if (verb.letter === 'U') return formatUnicode(verb, value)
  const negative = value < 0n
  let digits = (negative ? -value : value).toString(RADIX[verb.letter] ?? 10)
  if (verb.letter === 'X') digits = digits.toUpperCase()
  if (verb.precision === 0 && value === 0n) return pad({ ...verb, zero: false }, '')
  digits = digits.padStart(verb.precision ?? 0, '0')
  const sign = negative ? '-' : verb.plus ? '+' : verb.space ? ' ' : ''
  const fill = verb.zero && !verb.minus && verb.precision === undefined && verb.width !== undefined
  if (fill) digits = digits.padStart(verb.width! - sign.length, '0')
  return pad({ ...verb, zero: false }, sign + integerPrefix(verb, digits) + digits)
}

function integerPrefix(verb: Verb, digits: string): string {
  if (verb.letter === 'O') return verb.sharp && !digits.startsWith('0') ? '0o0' : '0o'
  if (!verb.sharp) return ''
  if (verb.letter === 'b') return '0b'
  if (verb.letter === 'o') return digits.startsWith('0') ? '' : '0'
  return verb.letter === 'x' || verb.letter === 'X' ? `0${verb.letter}` : ''
}

function runeOf(value: bigint): string {
  const isValid = value >= 0n && value <= 0x10ffffn && (value < 0xd800n || value > 0xdfffn)
  return isValid ? String.fromCodePoint(Number(value)) : '\ufffd'
}

function formatRune(verb: Verb, value: bigint): string {
  const rune = runeOf(value)
  return pad(verb, verb.letter === 'c' ? rune : quoteGo(rune, { ascii: verb.plus, mark: "'" }))
}

function formatUnicode(verb: Verb, value: bigint): string {
  const hex = BigInt.asUintN(64, value)
    .toString(16)
    .toUpperCase()
    .padStart(Math.max(verb.precision ?? 0, 4), '0')
  return pad(
    { ...verb, zero: false },
    `U+${hex}${verb.sharp && value <= 0x10ffffn && isGoPrintable(runeOf(value)) ? ` '${runeOf(value)}'` : ''}`,
  )
}

function formatFloatVerb(verb: Verb, value: number): string {
  const byDefault = ['v', 'g', 'G'].includes(verb.letter) ? -1 : 6
  let text = verb.sharp ? sharpFloat(verb, value) : formatFloat(value, verb.letter, verb.precision ?? byDefault)
  if (!/^[+-]/.test(text)) text = `+${text}`
  const sign =
    text[0] === '-' ? '-' : verb.plus ? '+' : verb.space ? ' ' : Number.isFinite(value) || text[0] === '-' ? '' : '+'
  const digits = text.slice(1)
  const isNumber = Number.isFinite(value)
  if (verb.zero && !verb.minus && isNumber && verb.width !== undefined) {
    return sign + digits.padStart(verb.width - sign.length, '0')
  }
  return pad(
    { ...verb, zero: verb.zero && isNumber },
    (Number.isNaN(value) && sign === '+' && !verb.plus ? '' : sign) + digits,
  )
}

/** `#` keeps the zeros at the end that `%g` drops, and the point. */
function sharpFloat(verb: Verb, value: number): string {
  const isGeneral = verb.letter === 'g' || verb.letter === 'G'
  const precision = verb.precision ?? 6
  const text = formatFloat(value, verb.letter, isGeneral ? (verb.precision ?? -1) : precision)
  if (!Number.isFinite(value)) return text
  const [, mantissa = '', exponent = ''] = /^([^eE]*)(.*)$/.exec(text)!
  const withPoint = mantissa.includes('.') ? mantissa : `${mantissa}.`
  if (!isGeneral) return withPoint + exponent
  const digits = withPoint.replace(/^-?(0\.0*(?=[1-9]))?/, '').replace('.', '').length
  return withPoint + '0'.repeat(Math.max(precision - digits, 0)) + exponent
}

/** Fills up to the width, counted in characters. */
function pad(verb: Verb, text: string): string {
  if (verb.width === undefined) return text
  const missing = verb.width - [...text].length
  if (missing <= 0) return text
  if (verb.minus) return text + ' '.repeat(missing)
  return (verb.zero ? '0' : ' ').repeat(missing) + text
}
