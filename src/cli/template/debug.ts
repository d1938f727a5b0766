import { messageOf } from '../../core/index.ts'
import { compileTemplate, renderTemplate } from './template.ts'
import { ANY, ANY_JSON, toValue, unbox } from './values.ts'

/**
 * One row of `slipway debug template`: `{ text, data, raw? }` to `{ output }` or `{ error }`. With `raw` the data is
 * treated as Docker's inspect commands treat plain JSON.
 */
export function debugTemplate(row: {
  text: string
  data: unknown
  raw?: boolean
}): { output: string } | { error: string } {
  const { text, data, raw } = row
  try {
    const value = unbox(toValue(raw ? ANY_JSON : ANY, data))
    return { output: renderTemplate(compileTemplate(text), value, { missingKeyFails: raw === true }) }
  } catch (error) {
    return { error: messageOf(error) }
  }
}
