import { type BuildSession, type ExplainedStep, explainSteps, type Solver, secretValues } from '../../build/index.ts'
import { type Digest, hasCode, type Job, messageOf, type ProgressEvent, SlipwayError } from '../../core/index.ts'
import type { Store } from '../../store/index.ts'
import type { BuildRequest } from '../build/request.ts'
import { definitionOf, firstRecord } from './first-record.ts'
import { BuildLogWriter } from './log.ts'
import type { PastBuild, StoredBuild } from './record.ts'
import { type FailedStep, type RecordedPlan, recordSteps, type Timing } from './recorded-steps.ts'
import { SecretFilter } from './secrets.ts'
import { storedBuild } from './stored-build.ts'

/** What a build tells its record beside its progress. */
export interface BuildListener {
  /** The id of the record. */
  readonly id: string
  /** Unix milliseconds. */
  readonly startedAt: number
  /** The results that are built, and who builds them. Told as soon as they are planned. */
  planned(plan: RecordedPlan, lists: BuildSession['fileLists']): Solver
  /** Why the cache had each step or not. To be asked once the steps are settled, and before more is built. */
  explain(): readonly ExplainedStep[]
}

/** What a build came to, as far as its record needs it. */
interface Outcome {
  id: Digest
  digest: Digest
  names: readonly string[]
}

/**
 * Does a build and keeps a record of it, whether it succeeds or not: steps with their times and results, why they missed
 * the cache, and all progress as a log. The job that `work` gets reports to both. Only the latest builds are kept
 * (`BuildRecords.sweep`).
 */
export async function recordBuild<T extends Outcome>(
  store: Store,
  request: BuildRequest,
  job: Job,
  work: (recorder: BuildListener, job: Job) => Promise<T>,
): Promise<{ result: T; record: PastBuild }> {
  using recording = new Recording(store, request)
  const listening: Job = {
    ...(job.signal ? { signal: job.signal } : {}),
    progress(event) {
      recording.hear(event)
      job.progress(event)
    },
  }
  try {
    const result = await work(recording, listening)
    const { id: image, digest, names } = result
    return { result, record: await recording.finish({ status: 'completed', image, digest, tags: [...names] }) }
  } catch (error) {
    const status = job.signal?.aborted ? 'canceled' : 'error'
    recording.failed(error)
    const { id, steps } = await recording.finish({ status, error: describe(error) })
    const failed = steps.find(({ result }) => result === 'failed')
    if (failed?.diffIds && error instanceof SlipwayError) error.data['step'] = `step:${id}/${failed.n}`
    throw error
  }
}

function describe(error: unknown): NonNullable<PastBuild['error']> {
  const code = error instanceof SlipwayError ? error.code : 'INTERNAL'
  const line = error instanceof SlipwayError ? error.span?.line : undefined
  return { code, message: messageOf(error), ...(line === undefined ? {} : { line }) }
}

class Recording implements BuildListener, Disposable {
  readonly id: string
  readonly #store: Store
  readonly #lease: ReturnType<Store['lease']>
  readonly startedAt: number = Date.now()
  readonly #record: StoredBuild
  readonly #log: BuildLogWriter
  readonly #secrets: SecretFilter
  readonly #timings = new Map<string, Timing>()
  #failed: FailedStep | undefined
  #plan: (RecordedPlan & { lists: BuildSession['fileLists'] }) | undefined
  #explanation: readonly ExplainedStep[] | undefined

  constructor(store: Store, request: BuildRequest) {
    this.#store = store
    this.#lease = store.lease()
    this.#secrets = new SecretFilter(secretValues(request.buildArgs))
    this.#record = this.#secrets.value(firstRecord(request))
    this.id = store.buildRecords.add(this.#record, this.startedAt, this.#lease)
    this.#log = new BuildLogWriter(store.buildRecords.folder(this.id))
  }

  hear(event: ProgressEvent): void {
    const now = Date.now()
    for (const told of this.#secrets.event(event)) this.#log.add(told, now)
    if (event.type === 'warning') this.#record.warnings++
    else if (event.type === 'started' && event.parent === undefined) {
      this.#timings.set(event.task, { startedAt: this.#timings.get(event.task)?.startedAt ?? now })
    } else if (event.type === 'finished') {
      const timing = this.#timings.get(event.task)
      if (timing) Object.assign(timing, { finishedAt: now, result: event.result })
    }
  }

  planned(plan: RecordedPlan, lists: BuildSession['fileLists']): Solver {
    this.#plan = { ...plan, lists }
    return plan.solver
  }

  explain(): readonly ExplainedStep[] {
    this.#explanation ??= this.#explained()
    return this.#explanation
  }

  /** A step that failed leaves what it had written until then. */
  failed(error: unknown): void {
    if (hasCode(error, 'RUN_FAILED')) this.#failed = error.data as FailedStep
  }

  async finish(changes: Partial<StoredBuild>): Promise<PastBuild> {
    const steps = this.#plan ? await recordSteps(this.#plan, this.#timings, this.#failed) : []
    const shown = steps.filter((step) => step.label !== '')
    const record = this.#secrets.value<StoredBuild>({
      ...this.#record,
      ...changes,
      steps,
      cachedSteps: shown.filter((step) => step.result === 'cached').length,
      totalSteps: shown.length,
      explanation: this.#compactExplanation(),
    })
    for (const event of this.#secrets.rests()) this.#log.add(event, Date.now())
    this.#log[Symbol.dispose]()
    const about = { finishedAt: Date.now(), logBytes: this.#log.bytes }
    this.#save(record, about)
    return { id: this.id, startedAt: this.startedAt, ...about, ...record }
  }

  [Symbol.dispose](): void {
    this.#log[Symbol.dispose]()
    this.#lease[Symbol.dispose]()
  }

  /** A record that cannot be written, on a full disk for instance, neither fails a build nor hides why it failed. */
  #save(record: StoredBuild, about: { finishedAt: number; logBytes: number }): void {
    const definition = this.#plan ? { definition: definitionOf(record) } : {}
    try {
      this.#store.buildRecords.finish(this.id, record, { ...about, ...definition })
      this.#store.buildRecords.sweep()
    } catch {
      // it stays as one that was interrupted
    }
  }

  #explained(): ExplainedStep[] {
    if (!this.#plan) return []
    const earlier = this.#store.buildRecords.ofDefinition(definitionOf(this.#record))
    const past = earlier.flatMap(({ record }) => {
      const build = storedBuild(record)
      return build ? [build.explanation] : []
    })
    return explainSteps(this.#plan.solver.traces(), past, { store: this.#store, lists: this.#plan.lists })
  }

  /** What cannot be explained, because a disk is full for instance, must not hide why the build failed. */
  #compactExplanation(): ExplainedStep[] {
    try {
      return this.explain().map(compact)
    } catch {
      return []
    }
  }
}

const MOST_DIFFERENCES = 50

/** As it is kept: thousands of files that changed are no better a reason than the first of them. */
function compact(step: ExplainedStep): ExplainedStep {
  const surplus = step.differences.length - MOST_DIFFERENCES
  if (surplus <= 0) return step
  const omitted = (step.omitted ?? 0) + surplus
  return { ...step, differences: step.differences.slice(0, MOST_DIFFERENCES), omitted }
}
