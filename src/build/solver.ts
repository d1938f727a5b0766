import {
  checkCanceled,
  type Digest,
  digestOf,
  type Job,
  messageOf,
  OncePerKey,
  type ProgressEvent,
  type TaskResult,
  withSpan,
} from '../core/index.ts'
import type { Lease, StepRecord, Store } from '../store/index.ts'
import type { Op, Vertex } from './graph.ts'
import { baseLayers, diffIdsOf, type LayerRef, storedLayer, type Value } from './values.ts'

/** Plain JSON: what a cache key is made of, kept whole so that a miss can be explained. */
export type KeyPart = null | boolean | number | string | readonly KeyPart[] | { readonly [key: string]: KeyPart }

/** How one kind of operation is done; one file per kind under `ops/`. */
export interface OpRunner<O extends Op = Op> {
  readonly kind: O['kind']
  /** How it shows when nothing of it had to be done anew. */
  readonly shownAs?: TaskResult
  /** What the operation says by itself. `undefined`: its result is not remembered, it is always done. */
  operation(op: O): KeyPart | undefined
  /** What its inputs hold, as far as the result depends on it. Waits for inputs that are still being committed. */
  content(op: O, inputs: readonly Value[], job: Job): Promise<KeyPart>
  run(op: O, inputs: readonly Value[], task: OpTask, job: Job): Promise<Value>
}

/** The task under which an operation reports. */
export interface OpTask {
  id: string
  vertex: Vertex
}

export type Runners = { readonly [K in Op['kind']]: OpRunner<Extract<Op, { kind: K }>> }

/** What became of a vertex. */
export interface Outcome {
  result: TaskResult
  /** Unix milliseconds of when the result was made: now, or in the earlier build it was taken from. */
  createdAt: number
}

/** Does the work of a build graph. */
export interface Solver {
  solve(vertex: Vertex): Promise<Value>
  /** Known once the vertex is solved. */
  outcome(vertex: Vertex): Outcome | undefined
  /** Resolves when every layer of this build has reached the store and every step is remembered. */
  settle(): Promise<void>
}

/** Runs each vertex once, inputs in parallel, the cache first. */
export function createSolver(runners: Runners, store: Store, options: SolverOptions, job: Job): Solver {
  return new GraphSolver(runners, store, options, job)
}

interface SolverOptions {
  now: () => number
  /** Keeps what is found in the cache. */
  lease: Lease
  /** Steps are not remembered: what was built before stays in the cache. */
  forgets?: boolean
}

class GraphSolver implements Solver {
  readonly #runners: Runners
  readonly #store: Store
  readonly #options: SolverOptions
  readonly #job: Job
  readonly #values = new OncePerKey<Digest, Value>()
  readonly #outcomes = new Map<Digest, Outcome>()
  readonly #commits: Promise<unknown>[] = []

  constructor(runners: Runners, store: Store, options: SolverOptions, job: Job) {
    this.#runners = runners
    this.#store = store
    this.#options = options
    this.#job = job
  }

  solve(vertex: Vertex): Promise<Value> {
    return this.#values.get(vertex.id, () => this.#solve(vertex))
  }

  outcome(vertex: Vertex): Outcome | undefined {
    return this.#outcomes.get(vertex.id)
  }

  async settle(): Promise<void> {
    const results = await Promise.allSettled(this.#commits)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  async #solve(vertex: Vertex): Promise<Value> {
    const inputs = await Promise.all(vertex.inputs.map((input) => this.solve(input)))
    checkCanceled(this.#job)
    const { id, label } = vertex
    if (label === '') return (await this.#findOrRun(vertex, inputs)).value
    this.#report({ type: 'started', task: id, name: label, inputs: vertex.inputs.map((input) => input.id) })
    try {
      const { value, outcome } = await this.#findOrRun(vertex, inputs)
      this.#outcomes.set(id, outcome)
      this.#report({ type: 'finished', task: id, result: outcome.result })
      return value
    } catch (error) {
      const result = this.#job.signal?.aborted ? 'canceled' : 'failed'
      this.#report({ type: 'finished', task: id, result, error: messageOf(error) })
      throw withSpan(error, vertex.span)
    }
  }

  async #findOrRun(vertex: Vertex, inputs: readonly Value[]): Promise<{ value: Value; outcome: Outcome }> {
    const runner = this.#runners[vertex.op.kind] as unknown as OpRunner
    const operation = runner.operation(vertex.op)
    if (operation !== undefined && !vertex.ignoreCache) {
      const found = await this.#find(runner, operation, vertex, inputs)
      if (found) return found
    }
    const createdAt = this.#options.now()
    const value = await runner.run(vertex.op, inputs, { id: vertex.id, vertex }, this.#job)
    if (operation !== undefined && !this.#options.forgets)
      this.#remember(runner, operation, { vertex, inputs, value, createdAt })
    return { value, outcome: { result: runner.shownAs ?? 'done', createdAt } }
  }

  /** The key is only computed when the operation was seen before: else nothing can be found, and nothing is waited for. */
  async #find(
    runner: OpRunner,
    operation: KeyPart,
    vertex: Vertex,
    inputs: readonly Value[],
  ): Promise<{ value: Value; outcome: Outcome } | undefined> {
    if (!this.#store.steps.knowsOperation(keyOf(operation))) return undefined
    const document = { operation, content: await runner.content(vertex.op, inputs, this.#job) }
    const record = this.#store.steps.find(keyOf(document))
    const layers = record && this.#layersOf(record)
    if (!layers) return undefined
    const value: Value = { kind: 'layers', layers: [...baseLayers(inputs), ...layers] }
    return { value, outcome: { result: 'cached', createdAt: record.createdAt } }
  }

  #layersOf(record: StepRecord): LayerRef[] | undefined {
    this.#options.lease.hold(record.diffIds)
    const layers = record.diffIds.map((diffId) => this.#store.layers.get(diffId))
    if (layers.every((layer) => layer !== undefined)) return layers.map(storedLayer)
    this.#store.steps.forget(record.key)
    return undefined
  }

  /** Behind the back of the steps that follow: once the layers are stored, the step is remembered. */
  #remember(
    runner: OpRunner,
    operation: KeyPart,
    step: { vertex: Vertex; inputs: readonly Value[]; value: Value; createdAt: number },
  ): void {
    const { vertex, inputs, value, createdAt } = step
    if (value.kind !== 'layers') return
    const save = async (): Promise<void> => {
      const added = await diffIdsOf(value.layers.slice(baseLayers(inputs).length))
      const document = { operation, content: await runner.content(vertex.op, inputs, this.#job) }
      const { steps } = this.#store
      steps.save({ key: keyOf(document), opKey: keyOf(operation), document, diffIds: added, createdAt })
    }
    const saved = save()
    saved.catch(() => {}) // reported by settle()
    this.#commits.push(saved)
  }

  #report(event: ProgressEvent): void {
    this.#job.progress(event)
  }
}

const keyOf = (part: KeyPart): Digest => digestOf(JSON.stringify(part))
