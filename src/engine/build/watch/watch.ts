import { contextUses } from '../../../build/index.ts'
import { fail, type Job } from '../../../core/index.ts'
import type { Store } from '../../../store/index.ts'
import { build } from '../build.ts'
import type { BuildWatcher } from '../plan-request.ts'
import type { BuildReport, BuildRequest } from '../request.ts'
import { FolderWatcher } from './folder-watcher.ts'
import { compareSnapshots, type FileChange, type Snapshot, WatchSet } from './watch-set.ts'

/** One build of many. */
export interface WatchRound {
  /** Why it was done; empty for the first. */
  changes: readonly FileChange[]
  /** What it made, or why it failed. */
  report?: BuildReport
  error?: unknown
  milliseconds: number
  /** How many files are watched now. */
  files: number
}

/** Hears of the builds while they are done. */
export interface WatchListener {
  begun?(changes: readonly FileChange[]): void
  ended(round: WatchRound): void | Promise<void>
}

/**
 * Builds, and builds again whenever a file changes that counted: one that a step selects from a folder, or would now,
 * the Dockerfile, the ignore rules and the lock. A build that fails is waited with as well. Returns when the job is
 * stopped. Fails with `USAGE_INVALID` for a stream, with `WATCH_FAILED`, and when the first build finds no Dockerfile.
 */
export async function watchBuild(
  store: Store,
  request: BuildRequest,
  listener: WatchListener,
  job: Job,
): Promise<void> {
  if (typeof request.context !== 'string') {
    throw fail('USAGE_INVALID', 'a context from standard input cannot be watched: it is read only once')
  }
  using watcher = new FolderWatcher()
  const state = new WatchState(job, watcher)
  let changes: readonly FileChange[] = []
  while (!job.signal?.aborted) {
    listener.begun?.(changes)
    const startedAt = performance.now()
    const outcome = await attempt(() => build(store, request, job, state))
    if (job.signal?.aborted) return
    if ('error' in outcome && !state.isReady) throw outcome.error
    const before = await state.snapshot()
    const milliseconds = performance.now() - startedAt
    await listener.ended({ changes, ...outcome, milliseconds, files: before.files.size })
    changes = await state.nextChanges(before)
  }
}

async function attempt(work: () => Promise<BuildReport>): Promise<{ report: BuildReport } | { error: unknown }> {
  try {
    return { report: await work() }
  } catch (error) {
    return { error }
  }
}

/** What is watched, as the builds find it out. */
class WatchState implements BuildWatcher {
  readonly #job: Job
  readonly #watcher: FolderWatcher
  #set: WatchSet | undefined
  #taken: Snapshot | undefined

  constructor(job: Job, watcher: FolderWatcher) {
    this.#job = job
    this.#watcher = watcher
  }

  /** Whether it is known what to watch. */
  get isReady(): boolean {
    return this.#set !== undefined
  }

  async defined(definition: Parameters<BuildWatcher['defined']>[0]): Promise<void> {
    this.#set ??= new WatchSet(definition, [])
    await this.#take()
  }

  /** Before the first step reads a file: what changes from here on is seen after the build. */
  async planned(...[definition, vertices]: Parameters<BuildWatcher['planned']>): Promise<void> {
    this.#set = new WatchSet(definition, contextUses(vertices))
    await this.#take()
  }

  /** The state of the files that the last build saw. */
  async snapshot(): Promise<Snapshot> {
    const taken = this.#taken ?? (await this.#take())
    this.#taken = undefined
    return taken
  }

  /** Waits until something is different; nothing when the job is stopped. */
  async nextChanges(before: Snapshot): Promise<readonly FileChange[]> {
    while (!this.#job.signal?.aborted) {
      const now = await this.#take()
      const changes = compareSnapshots(before, now)
      if (changes.length > 0) return changes
      await this.#watcher.next(this.#job.signal)
    }
    return []
  }

  /** The folders first: what comes after is either seen now or told of later. */
  async #take(): Promise<Snapshot> {
    const quiet: Job = { progress: () => {}, ...(this.#job.signal ? { signal: this.#job.signal } : {}) }
    this.#taken = await this.#set!.snapshot(quiet)
    this.#watcher.watch(this.#taken.folders)
    return this.#taken
  }
}
