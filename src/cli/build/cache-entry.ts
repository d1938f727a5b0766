import { fail } from '../../core/index.ts'
import type { CacheEntry } from '../../engine/index.ts'
import { parseFields } from './fields.ts'

/** A value of `--cache-from` or `--cache-to`: `type=local,src=folder`, or the name of an image alone. In buildx's words. */
export function parseCacheEntry(text: string): CacheEntry {
  const fields = parseFields(text, (problem) =>
    fail('USAGE_INVALID', `invalid cache option ${JSON.stringify(text)}: ${problem}`),
  )
  const [first] = fields
  if (fields.length === 1 && first?.value === undefined) return { type: 'registry', attributes: { ref: first!.text } }
  const pairs = fields.map((field) => {
    if (field.value === undefined) throw fail('USAGE_INVALID', `invalid value ${field.text}`)
    return [field.key.toLowerCase(), field.value] as const
  })
  const { type = '', ...attributes } = Object.fromEntries(pairs)
  if (type === '') throw fail('USAGE_INVALID', `type required form> ${JSON.stringify(text)}`)
  return { type, attributes }
}
