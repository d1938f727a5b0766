import { alignColumns } from '../render/columns.ts'
import { HEADER_FUNCTIONS } from './docker-functions.ts'
import { withPrefix } from './failure.ts'
import { compileTemplate, renderTemplate } from './template.ts'
import type { GoType } from './values.ts'

/** One line of a list: a value or a function of its arguments (`Label`) for each field that a template may name. */
export type Row = Readonly<Record<string, unknown>>

/** What a list command knows about its formats. */
export interface ListFormats {
  /** Docker's name of the row's type, for messages about unknown fields: `*formatter.ContainerContext`. */
  typeName: string
  /** The heading of each field in a table: `{ ID: 'IMAGE ID' }`. */
  headers: Readonly<Record<string, string>>
  /** Templates that have a name; `table` (used when nothing was asked for) must be there, `raw` may. */
  named: Readonly<Record<string, string>> & { table: string }
}

/**
 * The output of a list command for Docker's `--format`: a named format, `json` (an object per line), `table TEMPLATE`
 * (with headings, aligned) or a template for each row. Fails with `TEMPLATE_INVALID` or `TEMPLATE_FAILED`, worded
 * `template parsing error: ...` as Docker does; nothing is printed then.
 */
export function renderList(format: string, formats: ListFormats, rows: Iterable<Row>): string {
  return withPrefix('template parsing error: ', () => {
    const { text, isTable } = resolveFormat(format, formats)
    const template = compileTemplate(text)
    const type: GoType = { kind: 'row', name: formats.typeName }
    const lines = Array.from(rows, (data) => `${renderTemplate(template, { type, data })}\n`)
    if (!isTable) return lines.join('')
    return alignColumns(`${renderHeader(text, formats.headers)}\n${lines.join('')}`)
  })
}

function resolveFormat(format: string, formats: ListFormats): { text: string; isTable: boolean } {
  const wanted = format === '' ? 'table' : format
  const chosen = Object.hasOwn(formats.named, wanted) ? formats.named[wanted]! : wanted
  if (chosen === 'json') return { text: '{{json .}}', isTable: false }
  const isTable = chosen.startsWith('table')
  const text = trimSpaces(isTable ? chosen.slice(5) : chosen)
  return { text: text.replaceAll('\\t', '\t').replaceAll('\\n', '\n'), isTable }
}

function trimSpaces(text: string): string {
  let start = 0
  let end = text.length
  while (text[start] === ' ') start++
  while (end > start && text[end - 1] === ' ') end--
  return text.slice(start, end)
}

/** The template run over the headings; a template that cannot be is left with what it printed so far: nothing. */
function renderHeader(text: string, headers: Readonly<Record<string, string>>): string {
  const type: GoType = { kind: 'row', name: 'formatter.SubHeaderContext', isOpen: true }
  try {
    return renderTemplate(
      compileTemplate(text),
      { type, data: { ...headers, Label: labelHeader } },
      { functions: HEADER_FUNCTIONS },
    )
  } catch {
    return ''
  }
}

/** `com.example.my-label` is headed `my label`. */
function labelHeader(name: string): string {
  return name.split('.').at(-1)!.replace(/[-_]/g, ' ')
}
