import { digestOf, isDigest, type ProgressEvent } from '../../../core/index.ts'
import type { ProgressRenderer } from './renderer.ts'
import { describeWarning } from './trace.ts'

/** One line of BuildKit's `--progress=rawjson`: a `SolveStatus` with what changed. */
interface SolveStatus {
  vertexes?: unknown[]
  statuses?: unknown[]
  logs?: unknown[]
  warnings?: unknown[]
}

interface Part {
  vertex: string
  id: string
  started: string
  counter: { name?: string; total?: number; current: number }
}

interface Vertex {
  digest: string
  inputs?: string[]
  name: string
  started?: string
}

interface State {
  vertexes: Map<string, Vertex>
  parts: Map<string, Part>
  lines: SolveStatus[]
}

type EventOf<T extends ProgressEvent['type']> = Extract<ProgressEvent, { type: T }>

/** Progress for programs: every event as a JSON line, in BuildKit's shape. */
export function createRawJsonProgress(): ProgressRenderer {
  const state: State = { vertexes: new Map(), parts: new Map(), lines: [] }
  const render = (): string => {
    const out = state.lines.map((line) => `${JSON.stringify(line)}\n`).join('')
    state.lines = []
    return out
  }
  return {
    interval: 0,
    add(event, now) {
      const line = describe(state, event, new Date(now).toISOString())
      if (line) state.lines.push(line)
    },
    render,
    finish: render,
  }
}

function describe(state: State, event: ProgressEvent, time: string): SolveStatus | undefined {
  switch (event.type) {
    case 'planned':
      return { vertexes: [openVertex(state, event)] }
    case 'started':
      return describeStarted(state, event, time)
    case 'bytes':
      return describeCounter(state, event.task, { current: event.done, total: event.total, name: 'transferring' }, time)
    case 'status':
      return describeCounter(state, event.task, { current: 0, total: undefined, name: event.text }, time)
    case 'log':
      return describeLog(state, event, time)
    case 'warning':
      return { warnings: [warningOf(state, event)] }
    case 'finished':
      return describeFinished(state, event, time)
  }
}

/** BuildKit's readers expect digests; other task names become the digest of the name. */
function vertexDigest(task: string): string {
  return isDigest(task) ? task : digestOf(task)
}

function openVertex(state: State, event: EventOf<'planned' | 'started'>): Vertex {
  const inputs = event.inputs && event.inputs.length > 0 ? { inputs: event.inputs.map(vertexDigest) } : {}
  const vertex: Vertex = { digest: vertexDigest(event.task), ...inputs, name: event.name }
  state.vertexes.set(event.task, vertex)
  return vertex
}

function describeStarted(state: State, event: EventOf<'started'>, time: string): SolveStatus {
  const parent = event.parent === undefined ? undefined : vertexOf(state, event.parent)
  if (!parent) {
    const vertex: Vertex = {
      ...(state.vertexes.get(event.task) ?? openVertex(state, event)),
      name: event.name,
      started: time,
    }
    state.vertexes.set(event.task, vertex)
    return { vertexes: [vertex] }
  }
  const part: Part = { vertex: parent, id: event.name, started: time, counter: { current: 0 } }
  state.parts.set(event.task, part)
  return { statuses: [statusOf(part, time)] }
}

function vertexOf(state: State, task: string): string | undefined {
  return state.parts.get(task)?.vertex ?? state.vertexes.get(task)?.digest
}

function describeCounter(
  state: State,
  task: string,
  counter: { current: number; total: number | undefined; name: string },
  time: string,
): SolveStatus | undefined {
  const vertex = vertexOf(state, task)
  if (vertex === undefined) return undefined
  const part = state.parts.get(task) ?? { vertex, id: counter.name, started: time, counter: { current: 0 } }
  const total = counter.total ?? part.counter.total
  part.counter = { name: counter.name, ...(total === undefined ? {} : { total }), current: counter.current }
  state.parts.set(task, part)
  return { statuses: [statusOf(part, time)] }
}

function statusOf(part: Part, time: string): object {
  return { id: part.id, vertex: part.vertex, ...part.counter, timestamp: time, started: part.started }
}

function describeLog(state: State, event: EventOf<'log'>, time: string): SolveStatus | undefined {
  const vertex = vertexOf(state, event.task)
  if (vertex === undefined) return undefined
  const data = Buffer.from(event.chunk).toString('base64')
  return { logs: [{ vertex, stream: event.stream === 'stdout' ? 1 : 2, data, timestamp: time }] }
}

function warningOf(state: State, event: EventOf<'warning'>): unknown {
  const short = Buffer.from(describeWarning(event)).toString('base64')
  const vertex = event.task === undefined ? undefined : vertexOf(state, event.task)
  const { span, about } = event
  const detail = about ? { detail: [Buffer.from(about.description).toString('base64')] } : {}
  const head = { vertex, level: 1, short, ...detail, ...(about?.url === undefined ? {} : { url: about.url }) }
  if (!span) return head
  const data = Buffer.from(span.source.text).toString('base64')
  const range = [{ start: { line: span.line }, end: { line: span.endLine } }]
  return { ...head, sourceInfo: { filename: span.source.name, data }, range }
}

function describeFinished(state: State, event: EventOf<'finished'>, time: string): SolveStatus | undefined {
  const vertex = state.vertexes.get(event.task)
  if (vertex) {
    const cached = event.result === 'cached' ? { cached: true } : {}
    const error = errorOf(event)
    return { vertexes: [{ ...vertex, started: vertex.started ?? time, completed: time, ...cached, ...error }] }
  }
  const part = state.parts.get(event.task)
  if (!part) return undefined
  return { statuses: [{ ...statusOf(part, time), completed: time }] }
}

/** BuildKit marks what was cancelled by its error's last words. */
function errorOf(event: EventOf<'finished'>): { error?: string } {
  if (event.result === 'canceled') return { error: 'context canceled' }
  return event.result === 'failed' ? { error: event.error ?? 'failed' } : {}
}
