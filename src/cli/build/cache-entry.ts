import { fail, messageOf } from '../../core/index.ts'
import { parseCsvLine } from '../../dockerfile/index.ts'
import type { CacheEntry } from '../../engine/index.ts'

/** A value of `--cache-from` or `--cache-to`: `type=local,src=folder`, or the name of an image alone. In buildx's words. */
export function parseCacheEntry(text: string): CacheEntry {
  const fields = fieldsOf(text)
  if (fields.length === 1 && !fields[0]!.includes('=')) return { type: 'registry', attributes: { ref: fields[0]! } }
  const pairs = fields.map((field) => {
    const cut = field.indexOf('=')
    if (cut < 0) throw fail('USAGE_INVALID', `invalid value ${field}`)
    return [field.slice(0, cut).toLowerCase(), field.slice(cut + 1)] as const
  })
  const { type = '', ...attributes } = Object.fromEntries(pairs)
  if (type === '') throw fail('USAGE_INVALID', `type required form> ${JSON.stringify(text)}`)
  return { type, attributes }
}

function fieldsOf(text: string): string[] {
  try {
    return parseCsvLine(text)
  } catch (error) {
    throw fail('USAGE_INVALID', `invalid cache option ${JSON.stringify(text)}: ${messageOf(error)}`, { cause: error })
  }
}
