import { progressSize } from '../sizes.ts'
import type { ProgressRenderer } from './renderer.ts'
import { applyEvent, createTrace, durationOf, renderFailures, type Status, type Step } from './trace.ts'

/** About how long a busy step keeps the output before another running one may take it. */
const ANTI_FLICKER_MS = 5_000
/** A running step with news that was not shown for this long is shown next. */
const MAX_DELAY_MS = 10_000
/** A counter is printed again after this time, or after this share of its total. */
const COUNTER_DELAY_MS = 5_000
const COUNTER_SHARE = 0.05

/** What the multiplexer knows about a step. */
interface Item {
  step: Step
  /** The number in front of its lines; 0 until it is shown. */
  index: number
  /** Events since it last had the output, and since when they are counted: how busy it is. */
  count: number
  since: number
  warnings: number
  counters: Map<Status, { at: number; current: number; ended: boolean }>
}

interface Multiplexer {
  items: Map<Step, Item>
  updated: Set<Item>
  current: Item | undefined
  nextIndex: number
  /** What comes before the next heading: `#0 ...` the first time, then an empty line. */
  separator: string
  out: string
}

/**
 * BuildKit's `--progress=plain`: every line starts with the number of its step, finished steps come first, and running
 * steps have the output in turns, so that it can be read. `heading` is printed as `#0` before anything else.
 */
export function createPlainProgress(options: { heading?: string; colors?: boolean } = {}): ProgressRenderer {
  const trace = createTrace({ tailLines: 10, keepsFresh: true, colors: options.colors === true })
  const separator = options.heading === undefined ? '' : `#0 ${options.heading}\n\n`
  const state: Multiplexer = {
    items: new Map(),
    updated: new Set(),
    current: undefined,
    nextIndex: 1,
    separator,
    out: '',
  }
  const render = (now: number): string => {
    multiplex(state, now)
    const { out } = state
    state.out = ''
    return out
  }
  return {
    interval: 150,
    add(event, now) {
      const step = applyEvent(trace, event, now)
      if (step?.startedAt !== undefined) touch(state, step, now)
    },
    render,
    finish: (now) => render(now) + renderFailures(trace),
  }
}

function touch(state: Multiplexer, step: Step, now: number): void {
  let item = state.items.get(step)
  if (!item) {
    item = { step, index: 0, count: 0, since: now, warnings: 0, counters: new Map() }
    state.items.set(step, item)
  }
  if (item.count === 0) item.since = now
  item.count++
  state.updated.add(item)
}

const isEnded = (item: Item): boolean => item.step.endedAt !== undefined

/** Decides which steps get the output now. */
function multiplex(state: Multiplexer, now: number): void {
  const { current } = state
  const ended = [...state.updated].filter(isEnded)
  ended.sort((a, b) => Number(b === current) - Number(a === current) || a.step.endedAt! - b.step.endedAt!)
  for (const item of ended) show(state, item, now)
  const running = [...state.updated]
  if (running.length === 0) {
    if (!current || isEnded(current)) showAnyRunning(state, now)
    return
  }
  if (current && state.updated.has(current)) show(state, current, now)
  const next = chooseNext(state, running, now)
  if (next) show(state, next, now)
}

function showAnyRunning(state: Multiplexer, now: number): void {
  const running = [...state.items.values()].find((item) => !isEnded(item))
  if (running) show(state, running, now)
}

/** The running step that takes the output over from the current one, if it is time. */
function chooseNext(state: Multiplexer, running: readonly Item[], now: number): Item | undefined {
  const { current } = state
  const rivals = current ? [...new Set([...running, current])] : running
  const waited = (item: Item): number => now - item.since
  const speed = (item: Item): number => item.count / Math.max(waited(item), 1)
  const overdue = rivals.find((item) => item !== current && waited(item) > MAX_DELAY_MS)
  const busiest = rivals.reduce((best, item) => (speed(item) > speed(best) ? item : best))
  if (!current) return overdue ?? busiest
  if (overdue) return overdue
  const total = rivals.reduce((sum, item) => sum + speed(item), 0)
  const others = total - speed(current)
  if (others <= 0 || busiest === current) return undefined
  return (total / others) * ANTI_FLICKER_MS < waited(current) ? busiest : undefined
}

/** Prints what is new about a step, with its heading if another one had the output. */
function show(state: Multiplexer, item: Item, now: number): void {
  state.updated.delete(item)
  if (item !== state.current) takeOver(state, item)
  showCounters(state, item, now)
  for (const warning of item.step.warnings.slice(item.warnings)) state.out += `#${item.index} WARN: ${warning}\n`
  item.warnings = item.step.warnings.length
  for (const line of item.step.fresh) state.out += `#${item.index} ${line}\n`
  item.step.fresh = []
  if (!isEnded(item)) return
  state.current = undefined
  item.count = 0
  state.out += `#${item.index} ${describeEnd(item.step, now)}\n`
}

function takeOver(state: Multiplexer, item: Item): void {
  if (item.index === 0) item.index = state.nextIndex++
  if (state.current) {
    state.current.count = 0
    state.out += `#${state.current.index} ...\n`
  }
  state.out += state.separator
  state.separator = '\n'
  state.out += `#${item.index} ${item.step.name}\n`
  state.current = item
}

function showCounters(state: Multiplexer, item: Item, now: number): void {
  for (const status of item.step.statuses.values()) {
    const last = item.counters.get(status)
    const ended = status.endedAt !== undefined
    if (last && (last.ended || (!ended && !isWorthPrinting(status, last, now)))) continue
    item.counters.set(status, { at: now, current: status.current, ended })
    state.out += `#${item.index} ${describeStatus(status, now)}\n`
  }
}

function isWorthPrinting(status: Status, last: { at: number; current: number }, now: number): boolean {
  if (status.current === last.current) return false
  const share = status.total ? (status.current - last.current) / status.total : 0
  return share >= COUNTER_SHARE || now - last.at >= COUNTER_DELAY_MS
}

function describeStatus(status: Status, now: number): string {
  const seconds = ((status.endedAt ?? now) - status.startedAt) / 1000
  const time = seconds > 0.01 ? ` ${seconds.toFixed(1)}s` : ''
  return `${statusLabel(status)}${statusBytes(status)}${time}${status.endedAt === undefined ? '' : ' done'}`
}

/** The name of a status with what it does now, where that says more. */
export function statusLabel(status: Status): string {
  return status.text === '' || status.text === status.name ? status.name : `${status.name}: ${status.text}`
}

/** What a status counts, with a space in front: ` 1.98MB / 4.00MB`; `''` when it counts nothing. */
export function statusBytes(status: Status): string {
  if (status.total) return ` ${progressSize(status.current)} / ${progressSize(status.total)}`
  return status.current > 0 ? ` ${progressSize(status.current)}` : ''
}

function describeEnd(step: Step, now: number): string {
  switch (step.result) {
    case 'failed':
      return `ERROR: ${step.error}`
    case 'canceled':
      return 'CANCELED'
    case 'cached':
      return 'CACHED'
    default:
      return `DONE ${(durationOf(step, now) / 1000).toFixed(1)}s`
  }
}
