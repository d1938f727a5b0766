import type { Digest } from '../../core/index.ts'
import type { StepRecord, Store } from '../../store/index.ts'
import type { FileLists } from '../files/file-lists.ts'
import { type Difference, differencesOf, type KeyDocument } from './differences.ts'
import { inSamePlace, nearestStep, type PastStep } from './nearest.ts'
import type { StepTrace } from './trace.ts'

/** A step of a build, and why the cache had it or not. */
export interface ExplainedStep extends PastStep {
  /** Counted from 1 through the whole build. */
  number: number
  result: 'HIT' | 'MISS' | 'FAILED'
  /** Why it missed, the most telling first. */
  differences: Difference[]
  /** Differences that are left out of the list. */
  omitted?: number
  /** It was done again and gave what it had given before: the steps after it are not touched. */
  sameResult?: true
}

const MOST_DIFFERENCES = 1000

/**
 * Explains the steps of a build. `past` are earlier builds of the same definition, latest first. Steps without a name,
 * which no instruction stands for, are left out.
 */
export function explainSteps(
  traces: readonly StepTrace[],
  past: readonly (readonly PastStep[])[],
  places: { store: Store; lists: FileLists },
): ExplainedStep[] {
  const named = traces.filter((trace) => trace.label !== '')
  const explanation = new Explanation(named, past, places)
  return named.map((trace, at) => explanation.step(trace, at + 1))
}

class Explanation {
  readonly #traces: ReadonlyMap<Digest, StepTrace>
  readonly #past: readonly (readonly PastStep[])[]
  readonly #store: Store
  readonly #lists: FileLists
  readonly #own: ReadonlySet<Digest>
  /** Steps that gave another result than before. */
  readonly #changed = new Set<Digest>()

  constructor(
    traces: readonly StepTrace[],
    past: readonly (readonly PastStep[])[],
    places: { store: Store; lists: FileLists },
  ) {
    this.#traces = new Map(traces.map((trace) => [trace.vertex.id, trace]))
    this.#past = past
    this.#store = places.store
    this.#lists = places.lists
    this.#own = new Set(traces.flatMap(({ key, result }) => (key && result !== 'hit' ? [key] : [])))
  }

  step(trace: StepTrace, number: number): ExplainedStep {
    const { vertex, label, key, opKey } = trace
    const about = { number, label, kind: vertex.op.kind, ...(key ? { key } : {}), ...(opKey ? { opKey } : {}) }
    if (vertex.op.kind === 'image') return { ...about, ...this.#image(trace, vertex.op.reference) }
    if (trace.result === 'hit') return { ...about, result: 'HIT', differences: [] }
    const { differences, sameResult } = this.#miss(trace)
    if (!sameResult) this.#changed.add(vertex.id)
    const omitted = differences.length - MOST_DIFFERENCES
    return {
      ...about,
      result: trace.result === 'miss' ? 'MISS' : 'FAILED',
      differences: differences.slice(0, MOST_DIFFERENCES),
      ...(omitted > 0 ? { omitted } : {}),
      ...(sameResult ? { sameResult } : {}),
    }
  }

  #image(trace: StepTrace, reference: string): Pick<ExplainedStep, 'result' | 'differences' | 'reference'> {
    const before = this.#past.map((build) => inSamePlace(trace, build)?.reference).find((each) => each !== undefined)
    if (before === undefined || before === reference) return { result: 'HIT', differences: [], reference }
    this.#changed.add(trace.vertex.id)
    return { result: 'MISS', differences: [{ part: 'base image', old: before, new: reference }], reference }
  }

  #miss(trace: StepTrace): { differences: Difference[]; sameResult?: true } {
    const near = nearestStep(trace, this.#past, this.#store.steps, this.#own)
    const sameResult = near && isSameResult(near, trace) ? { sameResult: true as const } : {}
    if (trace.vertex.ignoreCache) return { differences: [{ part: 'no-cache' }], ...sameResult }
    if (trace.evicted) {
      const { reason, at } = trace.evicted
      return { differences: [{ part: 'evicted', reason, at: new Date(at).toISOString() }], ...sameResult }
    }
    if (!near) return { differences: [{ part: 'new' }] }
    const now = { operation: trace.operation!, ...(trace.content === undefined ? {} : { content: trace.content }) }
    const found = differencesOf(near.document as KeyDocument, now, (digest) => this.#lists.get(digest))
    const because = this.#because(trace)
    const differences = found.map((each) => (each.part === 'base' && because ? { ...each, because } : each))
    return { differences, ...sameResult }
  }

  /** The step below that gave another result; what it was for the one below that is said there. */
  #because({ vertex }: StepTrace): string | undefined {
    const below = vertex.inputs[0]
    const trace = below && this.#changed.has(below.id) ? this.#traces.get(below.id) : undefined
    return trace && `${trace.label} gave another result`
  }
}

/** The same layers on the same base. */
function isSameResult(near: StepRecord, trace: StepTrace): boolean {
  if (!trace.diffIds || JSON.stringify(near.diffIds) !== JSON.stringify(trace.diffIds)) return false
  const baseOf = (content: unknown): unknown => (content as { base?: unknown } | undefined)?.base
  return baseOf((near.document as KeyDocument).content) === baseOf(trace.content)
}
