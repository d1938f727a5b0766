import { FunctionError } from './function.ts'
import { sprintf } from './printf.ts'
import { numberOf, stringOf, unbox, type Value } from './values.ts'

type Basic = 'bool' | 'int' | 'uint' | 'float' | 'string'
const BASIC: readonly string[] = ['bool', 'int', 'uint', 'float', 'string'] satisfies Basic[]

/** Go templates' `eq` of two values: same basic kind (signed and unsigned mix), or one of them nil. */
export function compareEqual(left: Value | undefined, right: Value | undefined): boolean {
  const a = unbox(left)
  const b = unbox(right)
  const kinds = [basicKind(a), basicKind(b)] as const
  if (kinds[0] !== kinds[1] && !areIntegers(kinds)) {
    if (a === undefined || b === undefined) return false
    throw new FunctionError(`incompatible types for comparison: ${a.type.name} and ${b.type.name}`)
  }
  if (kinds[0] === undefined) return compareOthers(a, b)
  switch (kinds[0]) {
    case 'bool':
      return (a!.data === true) === (b!.data === true)
    case 'string':
      return stringOf(a!) === stringOf(b!)
    default:
      // biome-ignore lint/suspicious/noDoubleEquals: a number and a bigint of the same value are equal here.
      return numberOf(a!) == numberOf(b!)
  }
}

function compareOthers(a: Value | undefined, b: Value | undefined): boolean {
  if (a !== undefined && b !== undefined && a.type.kind !== b.type.kind) {
    throw new FunctionError(
      sprintf('non-comparable types %s: ', [a]) + sprintf(`${a.type.name}, ${b.type.name}: %v`, [b]),
    )
  }
  const isNil = (value: Value | undefined): boolean => value === undefined || value.data === undefined
  if (isNil(a) || isNil(b)) return isNil(a) && isNil(b)
  if (b!.type.kind === 'map' || b!.type.kind === 'slice') {
    throw new FunctionError(`${sprintf('non-comparable type %s', [b])}: ${b!.type.name}`)
  }
  return a!.data === b!.data
}

/** Go templates' `lt`: numbers of one kind and strings; by bytes. */
export function compareLess(left: Value | undefined, right: Value | undefined): boolean {
  const a = unbox(left)
  const b = unbox(right)
  const kinds = [basicKind(a), basicKind(b)] as const
  if (kinds[0] === undefined || kinds[1] === undefined) throw new FunctionError('invalid type for comparison')
  if (kinds[0] !== kinds[1] && !areIntegers(kinds)) {
    throw new FunctionError(`incompatible types for comparison: ${a!.type.name} and ${b!.type.name}`)
  }
  if (kinds[0] === 'bool') throw new FunctionError('invalid type for comparison')
  if (kinds[0] === 'string') return Buffer.compare(Buffer.from(stringOf(a!)), Buffer.from(stringOf(b!))) < 0
  return numberOf(a!) < numberOf(b!)
}

function basicKind(value: Value | undefined): Basic | undefined {
  return value !== undefined && BASIC.includes(value.type.kind) ? (value.type.kind as Basic) : undefined
}

function areIntegers(kinds: readonly (Basic | undefined)[]): boolean {
  return kinds.every((kind) => kind === 'int' || kind === 'uint')
}
