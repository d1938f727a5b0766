import type { ProgressEvent, TaskResult } from '../../../core/index.ts'
import { escapeMessage, escapeName } from '../escape.ts'
import { createLogLines, type LogLine, type LogLines } from './log-lines.ts'

/** A part of a step that counts or waits: one line below it. Times are milliseconds of the caller's clock. */
export interface Status {
  name: string
  text: string
  current: number
  total: number | undefined
  startedAt: number
  endedAt: number | undefined
}

/** One task at the top: what BuildKit calls a vertex. */
export interface Step {
  task: string
  name: string
  startedAt: number | undefined
  endedAt: number | undefined
  /** What it took in earlier runs, when a task is started more than once. */
  spent: number
  result: TaskResult | undefined
  error: string
  statuses: Map<string, Status>
  warnings: string[]
  logs: Readonly<Record<'stdout' | 'stderr', LogLines>>
  /** The newest complete lines, with their time in front, for the report of a failure. */
  tail: string[]
  /** Lines that were not shown yet; only where `keepsFresh` asks for them. */
  fresh: string[]
}

/** Everything that events have told so far. */
export interface Trace {
  steps: Map<string, Step>
  /** Task of a part to the step that shows it. */
  parts: Map<string, Step>
  startedAt: number | undefined
  options: TraceOptions
}

/** What a trace keeps. */
export interface TraceOptions {
  /** How many log lines are kept for the report of a failure. */
  tailLines: number
  /** Whether lines wait in `fresh` to be taken. */
  keepsFresh?: boolean
  colors?: boolean
}

/** An empty trace. */
export function createTrace(options: TraceOptions): Trace {
  return { steps: new Map(), parts: new Map(), startedAt: undefined, options }
}

/** Takes an event in and returns the step that it changed. Events about unknown tasks change nothing. */
export function applyEvent(trace: Trace, event: ProgressEvent, now: number): Step | undefined {
  switch (event.type) {
    case 'planned':
      return openStep(trace, event)
    case 'started':
      return applyStarted(trace, event, now)
    case 'bytes':
      return applyBytes(trace, event, now)
    case 'status':
      return applyStatus(trace, event, now)
    case 'log':
      return applyLog(trace, event, now)
    case 'warning':
      return applyWarning(trace, event)
    case 'finished':
      return applyFinished(trace, event, now)
  }
}

/** What a step took up to now in milliseconds. */
export function durationOf(step: Step, now: number): number {
  return step.spent + (step.startedAt === undefined ? 0 : (step.endedAt ?? now) - step.startedAt)
}

type EventOf<T extends ProgressEvent['type']> = Extract<ProgressEvent, { type: T }>

function openStep(trace: Trace, event: { task: string; name: string }): Step {
  const known = trace.steps.get(event.task)
  if (known) return known
  const { colors = false } = trace.options
  const step: Step = {
    task: event.task,
    name: escapeName(event.name),
    startedAt: undefined,
    endedAt: undefined,
    spent: 0,
    result: undefined,
    error: '',
    statuses: new Map(),
    warnings: [],
    logs: { stdout: createLogLines({ colors }), stderr: createLogLines({ colors }) },
    tail: [],
    fresh: [],
  }
  trace.steps.set(event.task, step)
  return step
}

function stepOf(trace: Trace, task: string): Step | undefined {
  return trace.parts.get(task) ?? trace.steps.get(task)
}

function applyStarted(trace: Trace, event: EventOf<'started'>, now: number): Step {
  const parent = event.parent === undefined ? undefined : stepOf(trace, event.parent)
  if (parent) {
    trace.parts.set(event.task, parent)
    openStatus(parent, event.task, event.name, now)
    return parent
  }
  const step = openStep(trace, event)
  trace.startedAt ??= now
  if (step.startedAt === undefined) {
    // Steps are shown in the order in which they begin, not in which they were planned.
    trace.steps.delete(step.task)
    trace.steps.set(step.task, step)
  }
  if (step.endedAt !== undefined) step.spent += step.endedAt - step.startedAt!
  Object.assign(step, { name: escapeName(event.name), startedAt: now, endedAt: undefined, result: undefined })
  return step
}

function openStatus(step: Step, task: string, name: string, now: number): Status {
  const known = step.statuses.get(task)
  if (known) return known
  const status: Status = {
    name: escapeName(name),
    text: '',
    current: 0,
    total: undefined,
    startedAt: now,
    endedAt: undefined,
  }
  step.statuses.set(task, status)
  return status
}

function applyBytes(trace: Trace, event: EventOf<'bytes'>, now: number): Step | undefined {
  const step = stepOf(trace, event.task)
  if (!step) return undefined
  const status = openStatus(step, event.task, 'transferring', now)
  status.current = event.done
  status.total = event.total ?? status.total
  return step
}

function applyStatus(trace: Trace, event: EventOf<'status'>, now: number): Step | undefined {
  const step = stepOf(trace, event.task)
  if (step) openStatus(step, event.task, event.text, now).text = escapeName(event.text)
  return step
}

function applyLog(trace: Trace, event: EventOf<'log'>, now: number): Step | undefined {
  const step = stepOf(trace, event.task)
  if (step) addLines(trace, step, step.logs[event.stream].add(event.chunk, now))
  return step
}

function addLines(trace: Trace, step: Step, lines: readonly LogLine[]): void {
  for (const line of lines) {
    const text = `${logTime(line.at - (step.startedAt ?? line.at))} ${line.text}`
    if (trace.options.keepsFresh) step.fresh.push(text)
    step.tail.push(text)
  }
  if (step.tail.length > trace.options.tailLines * 2) step.tail.splice(0, step.tail.length - trace.options.tailLines)
}

/** Seconds since the step began: three decimals below ten seconds, two below a hundred, then one. */
function logTime(milliseconds: number): string {
  const seconds = milliseconds / 1000
  return seconds.toFixed(seconds < 10 ? 3 : seconds < 100 ? 2 : 1)
}

function applyWarning(trace: Trace, event: EventOf<'warning'>): Step | undefined {
  const step = event.task === undefined ? undefined : stepOf(trace, event.task)
  step?.warnings.push(describeWarning(event))
  return step
}

/** A warning in one line as BuildKit words it: `Rule: message (line 5)`. */
export function describeWarning(event: EventOf<'warning'>): string {
  const place = event.span ? ` (line ${event.span.line})` : ''
  return `${escapeName(event.code)}: ${escapeName(event.message)}${place}`
}

function applyFinished(trace: Trace, event: EventOf<'finished'>, now: number): Step | undefined {
  const part = trace.parts.get(event.task)
  if (part) {
    const status = part.statuses.get(event.task)
    if (status) status.endedAt = now
    return part
  }
  const step = trace.steps.get(event.task)
  if (!step) return undefined
  for (const stream of ['stdout', 'stderr'] as const) addLines(trace, step, step.logs[stream].end())
  for (const status of step.statuses.values()) status.endedAt ??= now
  trace.startedAt ??= now
  step.startedAt ??= now
  step.endedAt = now
  step.result = event.result
  step.error = event.error === undefined ? '' : escapeMessage(event.error)
  return step
}

/** The report of failed steps that BuildKit prints at the end: their names and their last log lines. */
export function renderFailures(trace: Trace): string {
  const failed = [...trace.steps.values()].filter((step) => step.result === 'failed')
  return failed
    .map((step) => {
      const lines = step.tail.slice(-trace.options.tailLines).map((line) => `${line}\n`)
      return `------\n > ${step.name}:\n${lines.join('')}------\n`
    })
    .join('')
}
