import {
  ANY,
  elementsOf,
  entriesOf,
  indirect,
  isRawJson,
  sortedKeys,
  stringOf,
  toValue,
  unbox,
  type Value,
} from './values.ts'

/** Data from outside is capped at 64 levels; this only keeps a cyclic value of ours from running forever. */
const MAX_DEPTH = 200

/**
 * The JSON of a value as Docker's `json` function prints it: the keys of maps sorted, those of structs in the order of
 * the data, nothing escaped for HTML, compact.
 */
export function jsonOf(value: Value | undefined, depth = 0): string {
  const inner = unbox(value)
  if (inner === undefined || depth > MAX_DEPTH) return 'null'
  const { type, data } = inner
  switch (type.kind) {
    case 'slice':
      return data === undefined
        ? 'null'
        : `[${elementsOf(inner)
            .map((item) => jsonOf(item, depth + 1))
            .join(',')}]`
    case 'map':
      return data === undefined ? 'null' : objectOf(entriesOf(inner), depth)
    case 'pointer':
      return data === undefined ? 'null' : jsonOf(indirect(inner).value, depth + 1)
    case 'row':
      return objectOf(rowEntries(data as Record<string, unknown>), depth)
    case 'struct':
      return objectOf(structEntries(inner), depth)
    case 'string':
      return isRawJson(data) || typeof data !== 'string' ? stringOf(inner) || '""' : quoteJson(data)
    case 'bool':
      return String(data === true)
    case 'func':
      return 'null'
    default:
      return isRawJson(data) ? data.rawJSON : String(data ?? 0)
  }
}

function objectOf(entries: readonly (readonly [string, Value | undefined])[], depth: number): string {
  return `{${entries.map(([key, value]) => `${quoteJson(key)}:${jsonOf(value, depth + 1)}`).join(',')}}`
}

/** A list's row shows everything that needs no argument, as Docker's formatter does. */
function rowEntries(row: Record<string, unknown>): [string, Value | undefined][] {
  return sortedKeys(row)
    .filter((name) => typeof row[name] !== 'function' || row[name].length === 0)
    .map((name) => [name, toValue(ANY, typeof row[name] === 'function' ? row[name]() : row[name])])
}

function structEntries(value: Value): [string, Value | undefined][] {
  if (value.type.kind !== 'struct' || typeof value.data !== 'object' || value.data === null) return []
  const data = value.data as Record<string, unknown>
  const types = new Map([...value.type.fields.values()].map((field) => [field.key, field.type]))
  return Object.keys(data).map((key) => [key, toValue(types.get(key) ?? ANY, data[key])])
}

/** A JSON string; Go also escapes the two line separators of Unicode. */
function quoteJson(text: string): string {
  return JSON.stringify(text).replaceAll('\u2028', '\\u2028').replaceAll('\u2029', '\\u2029')
}
