/**
 * The Go types that a template can tell apart. Plain data has the type `any` and is looked at when it is used; a
 * command that wants Go's zero values, `nil` slices and error texts describes its data with `structOf`. A `row` is an
 * object whose own properties are fields and methods; an open one has no value for others instead of failing.
 */
export type GoType =
  | { kind: 'any'; name: 'interface {}'; jsonNumbers: boolean }
  | { kind: 'bool' | 'int' | 'uint' | 'float' | 'string' | 'func'; name: string }
  | { kind: 'slice' | 'map' | 'pointer'; name: string; elem: GoType }
  | { kind: 'struct'; name: string; fields: ReadonlyMap<string, GoField> }
  | { kind: 'row'; name: string; isOpen?: true }

/** A field of a struct: under which key the JSON data has it, and its type. */
export interface GoField {
  key: string
  type: GoType
}

/**
 * A value with its type. `boxed` says that its place is declared as `interface {}`, which Go shows in errors. The
 * absence of any value (Go's invalid `reflect.Value`, printed as `<no value>`) is `undefined`.
 */
export interface Value {
  readonly type: GoType
  readonly data: unknown
  readonly boxed?: true
}

/** Plain JSON-like data; whole numbers are `int`. */
export const ANY: GoType = { kind: 'any', name: 'interface {}', jsonNumbers: false }
/** The same with numbers as `json.Number`, as Docker decodes what it inspects a second time. */
export const ANY_JSON: GoType = { kind: 'any', name: 'interface {}', jsonNumbers: true }
export const BOOL: GoType = { kind: 'bool', name: 'bool' }
export const INT: GoType = { kind: 'int', name: 'int' }
export const FLOAT: GoType = { kind: 'float', name: 'float64' }
export const STRING: GoType = { kind: 'string', name: 'string' }
const UINT8: GoType = { kind: 'uint', name: 'uint8' }
const JSON_NUMBER: GoType = { kind: 'string', name: 'json.Number' }
const FUNC: GoType = { kind: 'func', name: 'func' }

/** `[]elem`. */
export function sliceOf(elem: GoType): GoType {
  return { kind: 'slice', name: `[]${elem.name}`, elem }
}

/** `map[string]elem`. */
export function mapOf(elem: GoType): GoType {
  return { kind: 'map', name: `map[string]${elem.name}`, elem }
}

/** `*elem`: `null` or a missing key is a nil pointer. */
export function pointerTo(elem: GoType): GoType {
  return { kind: 'pointer', name: `*${elem.name}`, elem }
}

/**
 * A struct type by its Go name (`container.Config`). Fields are a type, or `[key, type]` where the JSON key is not the
 * field's name: `structOf('v1.Descriptor', { Digest: ['digest', 'string'] })`. Types as text: see `goType`.
 */
export function structOf(name: string, fields: Readonly<Record<string, FieldSpec>>): GoType {
  const entries = Object.entries(fields).map(([field, spec]): [string, GoField] => {
    const [key, type] = Array.isArray(spec) ? spec : [field, spec]
    return [field, { key, type: typeof type === 'string' ? goType(type) : type }]
  })
  return { kind: 'struct', name, fields: new Map(entries) }
}

export type FieldSpec = string | GoType | readonly [key: string, type: string | GoType]

/**
 * A type written as in Go: `string`, `int64`, `[]string`, `map[string]string`, `*bool`, `any`,
 * `time.Time` (an RFC 3339 text), `time.Duration` (nanoseconds). Other names are strings of a type of their own.
 */
export function goType(text: string): GoType {
  if (text.startsWith('[]')) return sliceOf(goType(text.slice(2)))
  if (text.startsWith('map[string]')) return mapOf(goType(text.slice(11)))
  if (text.startsWith('*')) return pointerTo(goType(text.slice(1)))
  if (text === 'any') return ANY
  if (text === 'struct {}') return structOf(text, {})
  if (text === 'bool') return BOOL
  if (/^int(8|16|32|64)?$/.test(text) || text === 'time.Duration') return { kind: 'int', name: text }
  if (/^uint(8|16|32|64)?$/.test(text)) return { kind: 'uint', name: text }
  if (/^float(32|64)$/.test(text)) return { kind: 'float', name: text }
  return { kind: 'string', name: text }
}

const SLICES = new Map([ANY, ANY_JSON].map((elem) => [elem, sliceOf(elem)]))
const MAPS = new Map([ANY, ANY_JSON].map((elem) => [elem, mapOf(elem)]))

/** Data of a declared type as a value. */
export function toValue(type: GoType, data: unknown): Value {
  if (type.kind !== 'any') return { type, data: data === null ? undefined : data }
  const dynamic = dynamicType(type, data)
  return dynamic === undefined ? { type, data: undefined } : { type: dynamic, data, boxed: true }
}

/** What is inside an `interface {}`: `undefined` for a nil one, anything else as it is. */
export function unbox(value: Value | undefined): Value | undefined {
  if (value === undefined || value.type.kind === 'any') return undefined
  return value.boxed ? { type: value.type, data: value.data } : value
}

/** Follows pointers and interfaces. A nil one stays what it is, with `isNil`. */
export function indirect(value: Value): { value: Value; isNil: boolean } {
  let current = value
  while (current.type.kind === 'pointer' && current.data !== undefined)
    current = toValue(current.type.elem, current.data)
  const isNil = (current.type.kind === 'pointer' && current.data === undefined) || current.type.kind === 'any'
  return { value: current.boxed ? { type: current.type, data: current.data } : current, isNil }
}

/** The static type's name: what Go calls the place that the value came from. */
export function typeName(value: Value): string {
  return value.boxed ? 'interface {}' : value.type.name
}

function dynamicType(any: GoType & { kind: 'any' }, data: unknown): GoType | undefined {
  switch (typeof data) {
    case 'string':
      return STRING
    case 'boolean':
      return BOOL
    case 'number':
      if (any.jsonNumbers) return JSON_NUMBER
      return Number.isInteger(data) ? INT : FLOAT
    case 'bigint':
      return any.jsonNumbers ? JSON_NUMBER : INT
    case 'function':
      return FUNC
    case 'object':
      if (data === null) return undefined
      if (isRawJson(data)) return any.jsonNumbers ? JSON_NUMBER : INT
      return Array.isArray(data) ? SLICES.get(any)! : MAPS.get(any)!
    default:
      return undefined
  }
}

/** Whether this is a number that `parseJson` kept as its digits because a JavaScript number cannot hold it. */
export function isRawJson(data: unknown): data is { rawJSON: string } {
  return rawJsonTest.isRawJSON(data)
}

// JSON.isRawJSON is in Node 24 but not yet in TypeScript's library.
const rawJsonTest = JSON as unknown as { isRawJSON(value: unknown): boolean }

/** The text of a string value. A `json.Number` is its digits; an absent string is empty. */
export function stringOf(value: Value): string {
  if (typeof value.data === 'string') return value.data
  if (value.data === undefined) return ''
  return isRawJson(value.data) ? value.data.rawJSON : String(value.data)
}

/** The number of an int, uint or float value; an absent one is 0. */
export function numberOf(value: Value): number | bigint {
  const { data } = value
  if (typeof data === 'number' || typeof data === 'bigint') return data
  return isRawJson(data) ? BigInt(data.rawJSON) : 0
}

/** The elements of a slice; a nil slice has none. */
export function elementsOf(value: Value): Value[] {
  if (value.type.kind !== 'slice' || !Array.isArray(value.data)) return []
  const { elem } = value.type
  return value.data.map((item) => toValue(elem, item))
}

/** Keys and values of a map in the order Go prints and ranges over them: by the bytes of the key. */
export function entriesOf(value: Value): [string, Value][] {
  if (value.type.kind !== 'map' || typeof value.data !== 'object' || value.data === null) return []
  const { elem } = value.type
  const data = value.data as Record<string, unknown>
  return sortedKeys(data).map((key) => [key, toValue(elem, data[key])])
}

/** The own keys of an object in byte order of their UTF-8. */
export function sortedKeys(data: object): string[] {
  const keys = Object.keys(data)
  return keys.every((key) => /^[\x00-\x7f]*$/.test(key))
    ? keys.sort()
    : keys.sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
}

/** One entry of a map, or undefined when there is none. Only own keys count, so `__proto__` is an ordinary name. */
export function entryOf(value: Value, key: string): Value | undefined {
  if (value.type.kind !== 'map' || typeof value.data !== 'object' || value.data === null) return undefined
  if (!Object.hasOwn(value.data, key)) return undefined
  return toValue(value.type.elem, (value.data as Record<string, unknown>)[key])
}

/** One field of a struct, or undefined when the type has none of this name. */
export function fieldOf(value: Value, name: string): Value | undefined {
  if (value.type.kind !== 'struct') return undefined
  const field = value.type.fields.get(name)
  if (!field) return undefined
  const { data } = value
  const isThere = typeof data === 'object' && data !== null && Object.hasOwn(data, field.key)
  return toValue(field.type, isThere ? (data as Record<string, unknown>)[field.key] : undefined)
}

/** How many elements, entries or bytes a value has, or undefined when it has no length. */
export function lengthOf(value: Value): number | undefined {
  switch (value.type.kind) {
    case 'string':
      return Buffer.byteLength(stringOf(value))
    case 'slice':
      return Array.isArray(value.data) ? value.data.length : 0
    case 'map':
      return value.data === undefined ? 0 : Object.keys(value.data as object).length
    default:
      return undefined
  }
}

/** Go's notion of truth in `if` and `and`: not the zero value of its type. A struct is always true. */
export function isTrue(value: Value | undefined): boolean {
  const inner = unbox(value)
  if (inner === undefined) return false
  switch (inner.type.kind) {
    case 'bool':
      return inner.data === true
    case 'int':
    case 'uint':
    case 'float':
      return Number(numberOf(inner)) !== 0
    case 'string':
    case 'slice':
    case 'map':
      return lengthOf(inner)! > 0
    case 'pointer':
      return inner.data !== undefined
    default:
      return true
  }
}

/** The byte of a string as Go's `index` gives it. */
export function byteValue(byte: number): Value {
  return { type: UINT8, data: byte }
}

/** The data of a value as plain JavaScript, for calling functions that came with the data. */
export function plain(value: Value | undefined): unknown {
  if (value === undefined || value.type.kind === 'any') return undefined
  return value.type.kind === 'string' ? stringOf(value) : value.data
}
