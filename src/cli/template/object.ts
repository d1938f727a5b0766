import { withPrefix } from './failure.ts'
import { jsonOf } from './json.ts'
import { compileTemplate, renderTemplate } from './template.ts'
import { ANY, type GoType, toValue, unbox } from './values.ts'

/**
 * One object for `--format` of commands that show a single thing (`version`, `info`): `json` or a template. Fails with
 * `TEMPLATE_INVALID` or `TEMPLATE_FAILED`, worded `template parsing error: ...`.
 */
export function renderObject(format: string, data: unknown, type: GoType = ANY): string {
  const value = unbox(toValue(type, data))
  if (format === 'json') return jsonOf(value)
  return withPrefix('template parsing error: ', () => renderTemplate(compileTemplate(format), value))
}
