import {
  checkCanceled,
  createLimit,
  type Digest,
  type Job,
  messageOf,
  OncePerKey,
  type ProgressEvent,
  type TaskResult,
  withSpan,
} from '../core/index.ts'
import type { Lease, Store } from '../store/index.ts'
import type { CacheSource } from './cache/source.ts'
import { Redactor } from './explain/redact.ts'
import type { StepTrace } from './explain/trace.ts'
import type { Vertex } from './graph.ts'
import type { KeyPart } from './key-part.ts'
import { KnownSteps, keyOf } from './known-steps.ts'
import type { OpRunner, Runners } from './runner.ts'
import { lockStep, type StepLock } from './step-lock.ts'
import { baseLayers, contentKey, diffIdsOf, type Value } from './values.ts'

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
  /** What became of the steps so far, each after its inputs; complete once settled, also when the build failed. */
  traces(): StepTrace[]
}

/** Runs each vertex once, inputs in parallel, the cache first. */
export function createSolver(runners: Runners, store: Store, options: SolverOptions, job: Job): Solver {
  return new GraphSolver(runners, store, options, job)
}

/** How a solver works. */
export interface SolverOptions {
  now: () => number
  /** Keeps what is found in the cache. */
  lease: Lease
  /** Steps are not remembered: what was built before stays in the cache. */
  forgets?: boolean
  /** Steps that run at the same time. */
  parallelism?: number
  /** Caches from elsewhere; asked in order, after the store's own. */
  sources?: readonly CacheSource[]
  /** Values that are kept out of what is remembered of steps. */
  secrets?: Iterable<string>
}

// more than there are processors, since steps often wait for the network
const PARALLELISM = 16

/** A vertex whose result can be remembered, while it is solved. */
interface Step {
  readonly vertex: Vertex
  readonly runner: OpRunner
  readonly operation: KeyPart
  readonly inputs: readonly Value[]
  readonly trace: StepTrace
  /** The key document, made when first asked for. */
  document(): Promise<{ operation: KeyPart; content: KeyPart }>
}

interface Solved {
  value: Value
  outcome: Outcome
}

class GraphSolver implements Solver {
  readonly #runners: Runners
  readonly #store: Store
  readonly #options: SolverOptions
  readonly #job: Job
  readonly #limit: <T>(work: () => Promise<T>) => Promise<T>
  readonly #redactor: Redactor
  readonly #known: KnownSteps
  readonly #values = new OncePerKey<Digest, Value>()
  readonly #outcomes = new Map<Digest, Outcome>()
  readonly #traces = new Map<Digest, StepTrace>()
  readonly #roots: Vertex[] = []
  readonly #steps = new Map<Digest, Step>()
  readonly #work = new OncePerKey<Digest, Digest>()
  readonly #commits: Promise<unknown>[] = []

  constructor(runners: Runners, store: Store, options: SolverOptions, job: Job) {
    this.#runners = runners
    this.#store = store
    this.#options = options
    this.#job = job
    this.#limit = createLimit(options.parallelism ?? PARALLELISM)
    this.#redactor = new Redactor(store.memos, options.secrets)
    this.#known = new KnownSteps(store, options.lease, options.sources)
  }

  solve(vertex: Vertex): Promise<Value> {
    this.#roots.push(vertex)
    this.#redactor.learn(vertex)
    return this.#solveOnce(vertex)
  }

  outcome(vertex: Vertex): Outcome | undefined {
    return this.#outcomes.get(vertex.id)
  }

  async settle(): Promise<void> {
    const results = await Promise.allSettled(this.#commits)
    const failed = results.find((result) => result.status === 'rejected')
    if (failed) throw failed.reason
  }

  traces(): StepTrace[] {
    const ordered = new Map<Digest, StepTrace | undefined>()
    const pending = this.#roots.toReversed().map((vertex) => ({ vertex, ready: false }))
    for (let next = pending.pop(); next; next = pending.pop()) {
      const { vertex, ready } = next
      if (ready) ordered.set(vertex.id, this.#traces.get(vertex.id))
      if (ready || ordered.has(vertex.id)) continue
      const inputs = vertex.inputs.map((input) => ({ vertex: input, ready: false }))
      pending.push({ vertex, ready: true }, ...inputs.reverse())
    }
    return [...ordered.values()].filter((trace) => trace !== undefined)
  }

  #solveOnce(vertex: Vertex): Promise<Value> {
    return this.#values.get(vertex.id, () => this.#solve(vertex))
  }

  async #solve(vertex: Vertex): Promise<Value> {
    const inputs = await Promise.all(vertex.inputs.map((input) => this.#solveOnce(input)))
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

  async #findOrRun(vertex: Vertex, inputs: readonly Value[]): Promise<Solved> {
    const runner = this.#runners[vertex.op.kind] as unknown as OpRunner
    const operation = runner.operation(vertex.op)
    if (operation === undefined) {
      const createdAt = this.#options.now()
      const value = await runner.run(vertex.op, inputs, { id: vertex.id, vertex }, this.#job)
      if (vertex.op.kind === 'image') this.#traces.set(vertex.id, this.#trace(vertex, 'hit'))
      return { value, outcome: { result: runner.shownAs ?? 'done', createdAt } }
    }
    const step = this.#begin(vertex, runner, operation, inputs)
    if (vertex.ignoreCache) return this.#run(step, undefined)
    return (await this.#find(step)) ?? this.#runAlone(step)
  }

  #begin(vertex: Vertex, runner: OpRunner, operation: KeyPart, inputs: readonly Value[]): Step {
    const trace = this.#trace(vertex, 'failed')
    Object.assign(trace, { operation: this.#redactor.document(operation), opKey: keyOf(operation) })
    this.#traces.set(vertex.id, trace)
    let document: ReturnType<Step['document']> | undefined
    const make = async (): ReturnType<Step['document']> => {
      const content = await runner.content(vertex.op, inputs, this.#job)
      Object.assign(trace, { content: this.#redactor.document(content), key: keyOf({ operation, content }) })
      return { operation, content }
    }
    const step: Step = { vertex, runner, operation, inputs, trace, document: () => (document ??= make()) }
    this.#steps.set(vertex.id, step)
    return step
  }

  #trace(vertex: Vertex, result: StepTrace['result']): StepTrace {
    return { vertex, label: this.#redactor.text(vertex.label), result }
  }

  async #find(step: Step): Promise<Solved | undefined> {
    const found = await this.#known.find(keyOf(step.operation), step.document, step.vertex.id, this.#job)
    if (!found) return undefined
    const { record, layers } = found
    Object.assign(step.trace, { result: 'hit', diffIds: record.diffIds })
    const value: Value = { kind: 'layers', layers: [...baseLayers(step.inputs), ...layers] }
    return { value, outcome: { result: 'cached', createdAt: record.createdAt } }
  }

  /** Another build may be doing the very same at this moment: then its result is waited for. */
  async #runAlone(step: Step): Promise<Solved> {
    const work = await this.#workOf(step.vertex)
    const waiting = (): void =>
      this.#report({ type: 'status', task: step.vertex.id, text: 'waiting for another build that does the same' })
    const lock = await lockStep(this.#store.layout.locks, work, waiting, this.#job)
    try {
      const found = lock.waited ? await this.#find(step) : undefined
      if (!found) return await this.#run(step, lock)
      lock.release()
      return found
    } catch (error) {
      lock.release()
      throw error
    }
  }

  /**
   * What a vertex does, from the very beginning: the same in every build that does the same. By what is done, not by
   * what came out, so it is known while the layers below are still being committed. Files are told by what they hold.
   */
  #workOf(vertex: Vertex): Promise<Digest> {
    return this.#work.get(vertex.id, async () => {
      const step = this.#steps.get(vertex.id)
      if (!step) return vertex.id
      const ofInputs = await Promise.all(vertex.inputs.map((input) => this.#workOf(input)))
      const reads = step.inputs.some((input) => input.kind === 'files')
      return keyOf([step.operation, ofInputs, reads ? (await step.document()).content : null])
    })
  }

  /** The lock is given up once the step is remembered. */
  #run(step: Step, lock: StepLock | undefined): Promise<Solved> {
    return this.#limit(async () => {
      const { vertex, runner, inputs } = step
      checkCanceled(this.#job)
      const createdAt = this.#options.now()
      const value = await runner.run(vertex.op, inputs, { id: vertex.id, vertex }, this.#job)
      const outcome: Outcome = { result: runner.shownAs ?? 'done', createdAt }
      Object.assign(step.trace, { result: 'miss' })
      this.#remember(step, value, outcome, lock)
      return { value, outcome }
    })
  }

  /** Behind the back of the steps that follow: once the layers are stored, the step is remembered. */
  #remember(step: Step, value: Value, outcome: Outcome, lock: StepLock | undefined): void {
    const endedAt = this.#options.now()
    const save = this.#options.forgets ? Promise.resolve() : this.#save(step, value, outcome, endedAt)
    const saved = save.finally(() => lock?.release())
    saved.catch(() => {}) // reported by settle()
    this.#commits.push(saved)
  }

  async #save(step: Step, value: Value, outcome: Outcome, endedAt: number): Promise<void> {
    if (value.kind !== 'layers') return
    const { steps } = this.#store
    const { runner, inputs, vertex, trace } = step
    const diffIds = await diffIdsOf(value.layers.slice(baseLayers(inputs).length))
    const base = await contentKey(baseLayers(inputs))
    const document = await step.document()
    const key = keyOf(document)
    const first = this.#known.firstMade(diffIds, base)
    // who wants a step done anew gets a new image, as in Docker, though its layers may be the earlier ones
    if (first && !vertex.ignoreCache) outcome.createdAt = first.createdAt
    Object.assign(trace, { diffIds, evicted: steps.evicted(key) })
    steps.save({
      key,
      opKey: keyOf(step.operation),
      document: this.#redactor.document(document),
      diffIds,
      createdAt: outcome.createdAt,
      ...(first ? { beganAt: first.beganAt ?? first.createdAt } : {}),
      endedAt: first?.endedAt ?? endedAt,
      label: trace.label,
      kind: vertex.op.kind,
    })
    runner.remembered?.(document.content)
  }

  #report(event: ProgressEvent): void {
    this.#job.progress(event)
  }
}
