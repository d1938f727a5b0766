import type { SourceSpan } from '../../../core/index.ts'
import type { CheckReport, LintWarning } from '../../../engine/index.ts'
import { goJson } from '../../../oci/index.ts'
import { escapeMessage } from '../escape.ts'
import { renderExcerpt } from '../excerpt.ts'
import { type Answer, base64Of, locationOf } from './answer.ts'

/** How to show a report; `file` is the Dockerfile as the user would open it. */
export interface CheckStyle {
  format: 'text' | 'json'
  file: string
}

/** What a check found, as `docker buildx build --check` prints it: sorted by line, or as JSON in the order of finding. */
export function renderCheck(report: CheckReport, { format, file }: CheckStyle): Answer {
  const { warnings, error } = report
  const code = warnings.length > 0 || error ? 1 : 0
  const err = error ? `ERROR: ${escapeMessage(error.message)}\n${excerpt(error.span, file)}\n` : ''
  if (format === 'json') return { out: `${goJson(documentOf(report), 2)}\n`, err, code }
  const sorted = [...warnings].sort((a, b) => a.span.line - b.span.line)
  const heading = headingOf(warnings.length, error !== undefined)
  return {
    out: heading + sorted.map((warning) => block(warning, file)).join('') + (error && sorted.length > 0 ? '\n' : ''),
    err,
    code,
  }
}

function headingOf(count: number, hasError: boolean): string {
  if (count === 0) return hasError ? '' : 'Check complete, no warnings found.\n'
  return `Check complete, ${count === 1 ? '1 warning has' : `${count} warnings have`} been found!\n`
}

function block({ rule, url, message, span }: LintWarning, file: string): string {
  const page = url === undefined ? '' : ` - ${url}`
  return `\nWARNING: ${rule}${page}\n${escapeMessage(message)}\n${excerpt(span, file)}`
}

function excerpt(span: SourceSpan | undefined, file: string): string {
  return span ? renderExcerpt({ ...span, source: { ...span.source, name: file } }) : ''
}

function documentOf({ warnings, error, source }: CheckReport): object {
  const listed = warnings.map(({ rule, description, url, message, span }) => ({
    ruleName: rule,
    description,
    ...(url === undefined ? {} : { url }),
    detail: message,
    location: locationOf(span),
  }))
  const filename = source.name.slice(source.name.lastIndexOf('/') + 1)
  const location = error?.span ? locationOf(error.span) : {}
  return {
    warnings: listed.length > 0 ? listed : null,
    sources: [{ filename, data: base64Of(source), language: 'Dockerfile' }],
    ...(error ? { buildError: { message: error.message, location } } : {}),
  }
}
