import type { ProgressEvent } from '../../../core/index.ts'
import { type ColorRole, type Colors, PLAIN_COLORS, paint } from '../colors.ts'
import { displayWidth, padWidth, takeWidth } from '../width.ts'
import { createLogWindow, type LogWindow } from './log-window.ts'
import { statusBytes, statusLabel } from './plain.ts'
import type { ProgressRenderer } from './renderer.ts'
import { createScreen } from './screen.ts'
import { applyEvent, createTrace, durationOf, renderFailures, type Step, type Trace } from './trace.ts'

/** How the frames look. `size` is asked before each frame, so that it follows the terminal. */
export interface TtyOptions {
  size(): { columns: number; rows: number }
  colors?: Colors
  /** What is going on: `Building`. */
  phase?: string
  /** Shown at the right of the first line. */
  label?: string
  /** The height of a step's log window. */
  logLines?: number
}

/** A line of a frame before it is cut to the terminal's width. */
interface Row {
  name: string
  bytes: string
  milliseconds: number
  isRunning: boolean
  color: ColorRole | undefined
  window: LogWindow | undefined
}

const LOG_LINES = 6
/** With less room than this for a name, rows are left out. */
const MIN_NAME = 12

/**
 * BuildKit's display for terminals: a heading with the number of finished steps, a line for each step and its parts
 * with a timer at the right, and the last lines of what running steps print.
 */
export function createTtyProgress(options: TtyOptions): ProgressRenderer {
  const trace = createTrace({ tailLines: 500 })
  const windows = new Map<Step, LogWindow>()
  const screen = createScreen()
  const frame = (now: number, isLast: boolean): string => {
    const size = options.size()
    return screen.draw(layOut(trace, windows, { ...options, ...size, now, isLast }), size.columns)
  }
  return {
    interval: 150,
    add(event, now) {
      const step = applyEvent(trace, event, now)
      if (step && event.type === 'log') addLog(windows, step, event, options.logLines ?? LOG_LINES)
    },
    render: (now) => (trace.startedAt === undefined ? '' : frame(now, false)),
    finish: (now) => (trace.startedAt === undefined ? '' : frame(now, true) + renderFailures(trace)),
  }
}

function addLog(
  windows: Map<Step, LogWindow>,
  step: Step,
  event: ProgressEvent & { type: 'log' },
  height: number,
): void {
  let window = windows.get(step)
  if (!window) {
    window = createLogWindow(height)
    windows.set(step, window)
  }
  window.add(event.stream, event.chunk)
}

interface Layout {
  columns: number
  rows: number
  now: number
  isLast: boolean
  colors?: Colors
  phase?: string
  label?: string
}

function layOut(trace: Trace, windows: Map<Step, LogWindow>, layout: Layout): string[] {
  const rows = [...trace.steps.values()].flatMap((step) => rowsOf(step, windows.get(step), layout.now))
  const shown = chooseWindows(rows, layout.rows)
  const used = [...shown].reduce((lines, row) => lines + row.window!.lines().length, 0)
  const fitting = layout.isLast ? rows : fitHeight(rows, layout.rows - 2 - used)
  const lines = [heading(trace, layout)]
  for (const row of fitting) {
    const line = rowLine(row, layout)
    if (line === undefined) continue
    lines.push(line)
    if (shown.has(row) && !layout.isLast) lines.push(...windowLines(row.window!, layout))
  }
  return lines
}

function heading(trace: Trace, layout: Layout): string {
  const steps = [...trace.steps.values()]
  const ended = steps.filter((step) => step.endedAt !== undefined).length
  const state = layout.isLast && ended > 0 && ended === steps.length ? ' FINISHED' : ''
  const seconds = ((layout.now - (trace.startedAt ?? layout.now)) / 1000).toFixed(1)
  const text = `[+] ${layout.phase ?? 'Building'} ${seconds}s (${ended}/${steps.length})${state}`
  const label = layout.label === undefined ? '' : ` ${layout.label}`
  return takeWidth(padWidth(text, layout.columns - 1 - displayWidth(label)) + label, layout.columns - 1).trimEnd()
}

/** A row for the step, one for each of its parts and one for each warning. Steps that have not begun have none. */
function rowsOf(step: Step, window: LogWindow | undefined, now: number): Row[] {
  if (step.startedAt === undefined) return []
  const isRunning = step.endedAt === undefined
  const row = { bytes: '', milliseconds: durationOf(step, now), isRunning, window: undefined }
  const parts = [...step.statuses.values()].map((status): Row => {
    const ended = status.endedAt !== undefined
    const milliseconds = (status.endedAt ?? now) - status.startedAt
    const name = `=> ${statusLabel(status)}`
    return {
      ...row,
      name,
      bytes: statusBytes(status),
      milliseconds,
      isRunning: !ended,
      color: ended ? 'run' : undefined,
    }
  })
  const warnings = step.warnings.map(
    (warning): Row => ({ ...row, name: `WARN: ${warning}`, isRunning: false, color: 'warning' }),
  )
  const name = `${PREFIXES[step.result ?? 'done']}${step.name}`
  return [{ ...row, name, color: isRunning ? undefined : COLORS[step.result ?? 'done'], window }, ...parts, ...warnings]
}

const PREFIXES = { done: '', cached: 'CACHED ', failed: 'ERROR ', canceled: 'CANCELED ' } as const
const COLORS = { done: 'run', cached: 'run', failed: 'error', canceled: 'cancel' } as const

/** Running steps that print show their log while the screen has room; those that printed most come first. */
function chooseWindows(rows: readonly Row[], height: number): Set<Row> {
  const printing = rows.filter((row) => row.isRunning && row.window)
  printing.sort((a, b) => b.window!.weight - a.window!.weight)
  let free = height - 2 - rows.filter((row) => row.isRunning).length
  const chosen = new Set<Row>()
  for (const row of printing) {
    const needed = row.window!.height + 3
    if (free <= needed) break
    free -= needed
    row.window!.weight += 50
    chosen.add(row)
  }
  return chosen
}

/** At most `limit` rows in their order: the running ones, then the newest of the others. */
function fitHeight(rows: readonly Row[], limit: number): readonly Row[] {
  if (rows.length <= limit) return rows
  const running = rows.filter((row) => row.isRunning).slice(-Math.max(limit, 0))
  const room = Math.max(limit - running.length, 0)
  const others = room === 0 ? [] : rows.filter((row) => !row.isRunning).slice(-room)
  const kept = new Set(limit <= 0 ? [] : [...running, ...others])
  return rows.filter((row) => kept.has(row))
}

function rowLine(row: Row, layout: Layout): string | undefined {
  const seconds = row.milliseconds < 50 ? 0 : row.milliseconds / 1000
  const timer = ` ${seconds.toFixed(1)}s`
  let left = layout.columns - 4 - timer.length - 2
  const bytes = row.bytes !== '' && left + row.bytes.length > 20 ? row.bytes : ''
  left -= bytes.length
  if (left < MIN_NAME) return undefined
  const text = ` => ${takeWidth(row.name, left)}${bytes}`
  const line = `${padWidth(text, layout.columns - timer.length - 2)} ${timer}`
  return row.color === undefined ? line : paint(layout.colors ?? PLAIN_COLORS, row.color, line)
}

function windowLines(window: LogWindow, layout: Layout): string[] {
  return window.lines().map((line) => {
    const text = takeWidth(` => => # ${line.replaceAll('\t', '    ')}`, layout.columns - 1)
    return paint(layout.colors ?? PLAIN_COLORS, 'faint', text)
  })
}
