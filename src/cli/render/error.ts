import { type Fault, messageOf, SlipwayError } from '../../core/index.ts'
import { type Colors, PLAIN_COLORS, paint } from './colors.ts'
import { escapeMessage } from './escape.ts'
import { renderCaret, renderExcerpt } from './excerpt.ts'
import { displayWidth } from './width.ts'

/** How errors look. */
export interface ErrorStyle {
  columns: number
  colors: Colors
  /** Also show causes and where in the program it happened. */
  debug?: boolean
}

const DEFAULT_STYLE: ErrorStyle = { columns: 80, colors: PLAIN_COLORS }

/** The exit codes of faults; an error whose `data.exitCode` is a number has that one. */
const EXIT_CODES: Readonly<Partial<Record<Fault, number>>> = { canceled: 130 }

/** The exit code for anything that was thrown: its own, else 130 for what was cancelled, else 1. */
export function exitCodeOf(error: unknown): number {
  if (!(error instanceof SlipwayError)) return 1
  const own = error.data['exitCode']
  return typeof own === 'number' ? own : (EXIT_CODES[error.fault] ?? 1)
}

/**
 * An error for a person: the message with its code at the right, the place in the file with carets, the hint. Controls
 * in it are made visible. Ends with a newline.
 */
export function renderError(error: unknown, style: ErrorStyle = DEFAULT_STYLE): string {
  const message = escapeMessage(messageOf(error))
  const code = error instanceof SlipwayError ? error.code : 'INTERNAL'
  const head = `${paint(style.colors, 'error', 'error:')} ${message}`
  let out = `${withCode(head, code, displayWidth(`error: ${message}`), style)}\n`
  if (error instanceof SlipwayError) {
    if (error.span) out += renderCaret(error.span)
    out += renderHint(error, style)
  }
  return style.debug ? out + renderCauses(error) : out
}

/**
 * The end of a failed build, as `docker build` prints it: the excerpt of the Dockerfile and
 * `ERROR: failed to build: ...`, then our hint, and the code only with `debug`. Ends with a newline.
 */
export function renderBuildError(error: unknown, style: ErrorStyle = DEFAULT_STYLE): string {
  const excerpt = error instanceof SlipwayError && error.span ? renderExcerpt(error.span) : ''
  const hint = error instanceof SlipwayError ? renderHint(error, style) : ''
  const out = `${excerpt}ERROR: failed to build: ${escapeMessage(messageOf(error))}\n${hint}`
  if (!style.debug) return out
  return `${out}  ${error instanceof SlipwayError ? error.code : 'INTERNAL'}\n${renderCauses(error)}`
}

function renderHint(error: SlipwayError, style: ErrorStyle): string {
  if (error.hint === undefined) return ''
  return `  ${paint(style.colors, 'warning', 'hint:')} ${escapeMessage(error.hint).replaceAll('\n', '\n    ')}\n`
}

/** The code stands at the right edge where the first line has room for it, else on a line of its own. */
function withCode(head: string, code: string, width: number, style: ErrorStyle): string {
  const shown = paint(style.colors, 'faint', code)
  const room = style.columns - width - code.length
  if (head.includes('\n') || room < 2) return `${head}\n  ${shown}`
  return `${head}${' '.repeat(room)}${shown}`
}

function renderCauses(error: unknown): string {
  let out = error instanceof Error && error.stack ? `${escapeMessage(stackOf(error))}\n` : ''
  let cause = error instanceof Error ? error.cause : undefined
  for (let depth = 0; cause !== undefined && depth < 10; depth++) {
    out += `  caused by: ${escapeMessage(messageOf(cause))}\n`
    if (cause instanceof Error) out += `${escapeMessage(stackOf(cause))}\n`
    cause = cause instanceof Error ? cause.cause : undefined
  }
  return out
}

function stackOf(error: Error): string {
  const lines = (error.stack ?? '').split('\n').filter((line) => line.startsWith('    at '))
  return lines.slice(0, 20).join('\n')
}
