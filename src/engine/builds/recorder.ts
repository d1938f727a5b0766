import path from 'node:path'
import {
  type OpKeys,
  type RunOp,
  redactUrl,
  type Solver,
  soundsSecret,
  type Vertex,
  verticesInOrder,
} from '../../build/index.ts'
import {
  type Digest,
  hasCode,
  type Job,
  messageOf,
  type ProgressEvent,
  SlipwayError,
  type TaskResult,
} from '../../core/index.ts'
import { formatPlatform } from '../../oci/index.ts'
import type { Store } from '../../store/index.ts'
import { secretValues } from '../build/build-record.ts'
import { targetPlatforms } from '../build/plan-options.ts'
import type { BuildRequest } from '../build/request.ts'
import { BuildLogWriter } from './log.ts'
import type { BuildStep, PastBuild, StoredBuild } from './record.ts'
import { SecretFilter } from './secrets.ts'

/** What a build tells its record beside its progress. */
export interface BuildListener {
  /** The id of the record. */
  readonly id: string
  /** Unix milliseconds. */
  readonly startedAt: number
  /** The results that are built, and who builds them. Told as soon as they are planned. */
  planned(results: readonly Vertex[], solver: Solver, opKey: OpKeys): Solver
}

/** What a build came to, as far as its record needs it. */
interface Outcome {
  id: Digest
  digest: Digest
  names: readonly string[]
}

/**
 * Does a build and keeps a record of it, whether it succeeds or not: steps with their times and results, and all
 * progress as a log. The job that `work` gets reports to both. Only the latest builds are kept (`BuildRecords.sweep`).
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
    await recording.finish({ status, error: describe(error) })
    throw error
  }
}

function describe(error: unknown): NonNullable<PastBuild['error']> {
  const code = error instanceof SlipwayError ? error.code : 'INTERNAL'
  const line = error instanceof SlipwayError ? error.span?.line : undefined
  return { code, message: messageOf(error), ...(line === undefined ? {} : { line }) }
}

interface Timing {
  startedAt: number
  finishedAt?: number
  result?: TaskResult
}

class Recording implements BuildListener, Disposable {
  readonly id: string
  readonly #store: Store
  readonly #lease: ReturnType<Store['lease']>
  readonly startedAt: number = Date.now()
  readonly #record: StoredBuild
  readonly #log: BuildLogWriter
  readonly #secrets: SecretFilter
  #failed: { vertex?: Digest; diffIds?: Digest[] } | undefined
  readonly #timings = new Map<string, Timing>()
  #plan: { results: readonly Vertex[]; solver: Solver; opKey: OpKeys } | undefined

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

  planned(results: readonly Vertex[], solver: Solver, opKey: OpKeys): Solver {
    this.#plan = { results, solver, opKey }
    return solver
  }

  /** A step that failed leaves what it had written until then. */
  failed(error: unknown): void {
    if (hasCode(error, 'RUN_FAILED')) this.#failed = error.data as { vertex?: Digest; diffIds?: Digest[] }
  }

  async finish(changes: Partial<StoredBuild>): Promise<PastBuild> {
    const steps = await this.#steps()
    const shown = steps.filter((step) => step.label !== '')
    const record = this.#secrets.value<StoredBuild>({
      ...this.#record,
      ...changes,
      steps,
      cachedSteps: shown.filter((step) => step.result === 'cached').length,
      totalSteps: shown.length,
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
    try {
      this.#store.buildRecords.finish(this.id, record, about)
      this.#store.buildRecords.sweep()
    } catch {
      // it stays as one that was interrupted
    }
  }

  async #steps(): Promise<BuildStep[]> {
    if (!this.#plan) return []
    const { results, solver, opKey } = this.#plan
    const vertices = verticesInOrder(results)
    const numbers = new Map(vertices.map(({ id }, at) => [id, at + 1]))
    const steps: BuildStep[] = []
    for (const vertex of vertices) {
      const timing = this.#timings.get(vertex.id)
      const key = opKey(vertex.op)
      const inputs = vertex.inputs.map(({ id }) => numbers.get(id)!)
      steps.push({
        n: steps.length + 1,
        label: vertex.label,
        kind: vertex.op.kind,
        inputs,
        result: timing?.result ?? (timing ? 'canceled' : 'pending'),
        ...(timing ? { startedAt: timing.startedAt } : {}),
        ...(timing?.finishedAt === undefined ? {} : { finishedAt: timing.finishedAt }),
        ...(key === undefined ? {} : { opKey: key }),
        ...(await this.#resultOf(vertex, solver, steps[(inputs[0] ?? 0) - 1])),
        ...(vertex.span ? { line: vertex.span.line } : {}),
        ...(vertex.config ? { config: vertex.config } : {}),
        ...(vertex.op.kind === 'run' ? runPart(vertex.op) : {}),
        ...(vertex.id === this.#failed?.vertex ? { diffIds: this.#failed.diffIds } : {}),
      })
    }
    return steps
  }

  /** The file system after a step that ended; what failed on its way to the disk has none. */
  async #resultOf(vertex: Vertex, solver: Solver, below: BuildStep | undefined): Promise<Partial<BuildStep>> {
    const { op } = vertex
    if (op.kind === 'image') return { diffIds: [...op.diffIds], ...(vertex.label === '' ? { result: 'done' } : {}) }
    if (!solver.outcome(vertex)) return {}
    try {
      const value = await solver.solve(vertex)
      if (value.kind !== 'layers') return {}
      const layers = await Promise.all(value.layers.map((layer) => layer.committed))
      const added = layers.slice(below?.diffIds?.length ?? 0)
      const bytes = added.reduce((sum, layer) => sum + layer.contentBytes, 0)
      return { diffIds: layers.map((layer) => layer.diffId), bytes }
    } catch {
      return {}
    }
  }
}

function runPart({ args, mounts }: RunOp): Pick<BuildStep, 'args' | 'mounts'> {
  return { args, ...(mounts.length === 0 ? {} : { mounts }) }
}

function firstRecord(request: BuildRequest): StoredBuild {
  const { dockerfile = 'Dockerfile', target, buildArgs = {}, labels = {} } = request
  const context = typeof request.context === 'string' ? request.context : '-'
  const file = typeof dockerfile === 'string' ? dockerfile : dockerfile.name
  return {
    name: buildArgs['BUILDKIT_BUILD_NAME'] || nameOf(context, file, target),
    status: 'running',
    context: isLocal(context) ? path.resolve(context) : redactUrl(context),
    dockerfile: file,
    ...(target === undefined ? {} : { target }),
    platforms: targetPlatforms(request).map(formatPlatform),
    tags: [],
    buildArgs: Object.fromEntries(
      Object.entries(buildArgs).map(([name, value]) => [name, soundsSecret(name) ? '***' : value]),
    ),
    labels: { ...labels },
    warnings: 0,
    steps: [],
    cachedSteps: 0,
    totalSteps: 0,
  }
}

const isLocal = (context: string): boolean => context !== '-' && !context.includes('://') && !/^git@/.test(context)

function nameOf(context: string, file: string, target: string | undefined): string {
  const folder = isLocal(context) ? path.basename(path.resolve(context)) : redactUrl(context)
  const other = path.basename(file) === 'Dockerfile' ? '' : `/${path.basename(file)}`
  return `${folder || '/'}${other}${target ? ` (${target})` : ''}`
}
