import { hasCode, type SlipwayError } from '../../core/index.ts'
import { withPrefix } from './failure.ts'
import type { ParsedTemplate } from './parse.ts'
import { compileTemplate, renderTemplate } from './template.ts'
import { ANY, ANY_JSON, type GoType, toValue, unbox } from './values.ts'

/** An object to show: its JSON data, and its Go type where one is described. */
export interface Inspected {
  data: unknown
  type?: GoType
  /** Only the fields of the type count, as for volumes. */
  isTypedOnly?: boolean
}

/** What to print, and which of the objects a template did not fit. */
export interface InspectOutput {
  text: string
  failures: SlipwayError[]
}

/**
 * The output of an inspect command: an indented JSON array when `format` is empty, a compact one for `json`, else the
 * template run for each object. An object whose type does not fit the template is tried again as plain JSON, where a
 * missing key is an error; so field names (`.Descriptor.Digest`) and JSON keys (`.Descriptor.digest`) both work.
 * Fails with `TEMPLATE_INVALID` when the template is wrong in itself.
 */
export function renderInspect(format: string, objects: readonly Inspected[]): InspectOutput {
  const all = objects.map((object) => object.data)
  if (format === '') return { text: `${JSON.stringify(all, undefined, 4)}\n`, failures: [] }
  if (format === 'json') return { text: `${JSON.stringify(all)}\n`, failures: [] }
  const prefix = 'template parsing error: '
  const template = withPrefix(prefix, () => compileTemplate(format))
  const failures: SlipwayError[] = []
  let text = ''
  for (const object of objects) {
    try {
      text += `${withPrefix(prefix, () => renderObject(template, object))}\n`
    } catch (error) {
      if (!hasCode(error, 'TEMPLATE_FAILED')) throw error
      failures.push(error)
    }
  }
  return { text: text === '' ? '\n' : text, failures }
}

function renderObject(template: ParsedTemplate, object: Inspected): string {
  try {
    const options = object.type ? {} : { missingKeyFails: true }
    return renderTemplate(template, unbox(toValue(object.type ?? ANY, object.data)), options)
  } catch (error) {
    if (object.isTypedOnly || !hasCode(error, 'TEMPLATE_FAILED')) throw error
    return renderTemplate(template, unbox(toValue(ANY_JSON, object.data)), { missingKeyFails: true })
  }
}
