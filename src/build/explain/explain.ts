import { type Digest, digestHex, digestOf } from '../../core/index.ts'
import type { Store } from '../../store/index.ts'
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
    const outcome = outcomeOf(trace)
    const made = { ...about, ...(outcome ? { outcome } : {}) }
    if (trace.result === 'hit') return { ...made, result: 'HIT', differences: [] }
    const differences = this.#miss(trace)
    const sameResult = outcome !== undefined && this.#before(trace)?.outcome === outcome
    if (!sameResult) this.#changed.add(vertex.id)
    const omitted = differences.length - MOST_DIFFERENCES
    return {
      ...made,
      result: trace.result === 'miss' ? 'MISS' : 'FAILED',
      differences: differences.slice(0, MOST_DIFFERENCES),
      ...(omitted > 0 ? { omitted } : {}),
      ...(sameResult ? { sameResult: true } : {}),
    }
  }

  #image(trace: StepTrace, reference: string): Pick<ExplainedStep, 'result' | 'differences' | 'reference'> {
    const before = this.#before(trace)?.reference
    if (before === undefined || before === reference) return { result: 'HIT', differences: [], reference }
    this.#changed.add(trace.vertex.id)
    return { result: 'MISS', differences: [{ part: 'base image', old: before, new: reference }], reference }
  }

  #miss(trace: StepTrace): Difference[] {
    if (trace.vertex.ignoreCache) return [{ part: 'no-cache' }]
    if (trace.evicted) return [evicted(trace.evicted)]
    const near = nearestStep(trace, this.#past, this.#store.steps, this.#own)
    if (!near) return [this.#lost(trace) ?? { part: 'new' }]
    const now = { operation: trace.operation!, ...(trace.content === undefined ? {} : { content: trace.content }) }
    const { op } = trace.vertex
    const about = op.kind === 'run' ? { args: op.unkeyed.args } : {}
    const found = differencesOf(near.document as KeyDocument, now, (digest) => this.#lists.get(digest), about)
    const because = this.#because(trace)
    return found.map((each) => (each.part === 'base' && because ? { ...each, because } : each))
  }

  /** What an earlier build had in this place is not there to compare with. */
  #lost(trace: StepTrace): Difference | undefined {
    const place = this.#before(trace)
    const tombstone = place?.key && this.#store.steps.evicted(place.key)
    return tombstone ? evicted(tombstone) : undefined
  }

  #before(trace: StepTrace): PastStep | undefined {
    return this.#past.map((build) => inSamePlace(trace, build)).find((place) => place !== undefined)
  }

  /** The step below that gave another result; what it was for the one below that is said there. */
  #because({ vertex }: StepTrace): string | undefined {
    const below = vertex.inputs[0]
    const trace = below && this.#changed.has(below.id) ? this.#traces.get(below.id) : undefined
    return trace && `${trace.label} gave another result`
  }
}

const evicted = ({ reason, at }: { reason: string; at: number }): Difference => ({
  part: 'evicted',
  reason,
  at: new Date(at).toISOString(),
})

/** Stands for the layers and the base. */
function outcomeOf({ diffIds, content }: StepTrace): string | undefined {
  const { base } = (content ?? {}) as { base?: unknown }
  return diffIds && digestHex(digestOf(JSON.stringify([base, diffIds]))).slice(0, 16)
}
