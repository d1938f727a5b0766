import type { ProgressEvent } from '../../../core/index.ts'
import { type Colors, PLAIN_COLORS, paint } from '../colors.ts'
import { renderExcerpt } from '../excerpt.ts'
import { describeWarning } from './trace.ts'

/** What is asked for, where to read about it, and the lines. */
function detailsOf({ about, span }: Warning): string {
  const description = about ? `${about.description}\n` : ''
  const page = about?.url === undefined ? '' : `More info: ${about.url}\n`
  return `${description}${page}${span ? `${renderExcerpt(span)}\n` : ''}`
}

type Warning = Extract<ProgressEvent, { type: 'warning' }>

/** The list of warnings after a build, as `docker build` prints it; with `debug` each with its lines. `''` for none. */
export function renderWarnings(
  warnings: readonly Warning[],
  options: { colors?: Colors; debug?: boolean } = {},
): string {
  if (warnings.length === 0) return ''
  const count = warnings.length === 1 ? '1 warning found' : `${warnings.length} warnings found`
  const hint = options.debug ? ':' : ' (use slipway --debug to expand):'
  const heading = paint(options.colors ?? PLAIN_COLORS, 'warning', count + hint)
  const lines = warnings.map((warning) => ` - ${describeWarning(warning)}\n${options.debug ? detailsOf(warning) : ''}`)
  return `\n ${heading}\n${lines.join('')}`
}
