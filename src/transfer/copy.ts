import { type Bytes, bytesOf, checkCanceled, type Job, mapLimit, messageOf, silentJob } from '../core/index.ts'
import type { Body, Descriptor, ImageSource, ImageTarget } from '../oci/index.ts'
import { type CopyPlan, type PlannedDocument, planCopy, type Selection } from './copy-plan.ts'
import { blame, sideOf } from './side.ts'

/** What to copy, and what to call it. */
export interface CopyOptions {
  /** Tag or digest at the source. */
  readonly ref: string
  /** Name at the target; without one the content goes there and no more. */
  readonly as?: string
  /** Which images of an index; all when not said. One platform's manifest is copied and named without the index. */
  readonly select?: Selection
  /** A repository of the target's registry that may hold a layer already. */
  readonly mountFrom?: (blob: Descriptor) => string | undefined
  /** Whether the target may go on with a layer where an earlier copy of it ended; so it is when missing. */
  readonly continues?: boolean
  /** Told what will be copied, before any layer moves. */
  readonly onPlan?: (plan: CopyPlan) => void | Promise<void>
}

/** What a copy came to. */
export interface CopyResult {
  /** What `ref` stands for at the source; an index, perhaps, when one platform was wanted. */
  readonly resolved: Descriptor
  /** What is at the target now, under the name. */
  readonly root: Descriptor
}

/** Layers that travel at once. */
const AT_ONCE = 4
/** Milliseconds between two reports of progress on one layer. */
const REPORT_EVERY = 50

/**
 * Copies an image from any place to any other: pull, push, save, load and mirror. Children go before parents, each
 * digest once, the name last; content that the target has is not read. Manifests and configs are checked before any
 * layer moves. Each blob is a task of the job, named by its digest. An error says whether source or target failed.
 */
export async function copyImage(
  from: ImageSource,
  to: ImageTarget,
  options: CopyOptions,
  job: Job = silentJob,
): Promise<CopyResult> {
  const { ref, as, select: selection = 'all' } = options
  const resolved = await sideOf('source', `find ${ref}`, () => from.resolve(ref, job))
  const plan = await planCopy(from, { root: resolved, selection }, job)
  await options.onPlan?.(plan)
  const work = new Work(from, to, options)
  await stopTogether(job, (inner) => mapLimit(plan.blobs, AT_ONCE, (blob) => work.copyLayer(blob, inner)))
  for (const document of plan.documents) await work.copyDocument(document, plan.root, job)
  if (as !== undefined) await sideOf('target', `name ${as}`, () => to.tag(as, plan.root, job))
  return { resolved, root: plan.root }
}

interface StoppableJob extends Job {
  /** Ends the sibling tasks because of this error. */
  stop?(cause: unknown): void
}

/** Runs tasks that end together: the first error cancels the others, and is the one that is thrown. */
async function stopTogether<T>(job: Job, work: (inner: StoppableJob) => Promise<T>): Promise<T> {
  const first = new AbortController()
  const signal = job.signal ? AbortSignal.any([job.signal, first.signal]) : first.signal
  try {
    return await work({ progress: (event) => job.progress(event), signal, stop: (cause) => first.abort(cause) })
  } catch (error) {
    throw first.signal.aborted ? first.signal.reason : error
  }
}

class Work {
  readonly #from: ImageSource
  readonly #to: ImageTarget
  readonly #options: CopyOptions

  constructor(from: ImageSource, to: ImageTarget, options: CopyOptions) {
    this.#from = from
    this.#to = to
    this.#options = options
  }

  copyLayer(descriptor: Descriptor, job: StoppableJob): Promise<void> {
    const whole = (): Bytes => reported(this.#from.read(descriptor, undefined, job), { descriptor }, job)
    const from = (start: number): Bytes =>
      reported(this.#from.read(descriptor, { start }, job), { descriptor, start }, job)
    return this.#copy(descriptor, 'layer', this.#options.continues === false ? { whole } : { whole, from }, job)
  }

  copyDocument({ descriptor, kind, bytes }: PlannedDocument, root: Descriptor, job: Job): Promise<void> {
    const as = descriptor.digest === root.digest ? this.#options.as : undefined
    return this.#copy(descriptor, kind, { whole: () => bytesOf(bytes), ...(as === undefined ? {} : { as }) }, job)
  }

  async #copy(descriptor: Descriptor, kind: string, content: Content, job: StoppableJob): Promise<void> {
    const task = descriptor.digest
    job.progress({ type: 'started', task, name: kind })
    try {
      const cached = await this.#transfer(descriptor, kind, content, job)
      job.progress({ type: 'finished', task, result: cached ? 'cached' : 'done' })
    } catch (error) {
      const result = job.signal?.aborted ? 'canceled' : 'failed'
      job.progress({ type: 'finished', task, result, error: messageOf(error) })
      job.stop?.(error)
      throw error
    }
  }

  /** Whether the target had it already. */
  async #transfer(descriptor: Descriptor, kind: string, content: Content, job: Job): Promise<boolean> {
    checkCanceled(job)
    const what = `${kind} ${descriptor.digest}`
    const there = await sideOf('target', `look for ${what}`, () => this.#to.has(descriptor, job))
    if (there) return true
    const { body, failure } = blamedBody(content, `read ${what}`)
    const mountFrom = this.#options.mountFrom?.(descriptor)
    const { as } = content
    const how = { ...(mountFrom === undefined ? {} : { mountFrom }), ...(as === undefined ? {} : { as }) }
    try {
      await this.#to.write(descriptor, body, how, job)
    } catch (error) {
      throw failure() ?? blame('target', `write ${what}`, error)
    }
    return false
  }
}

/** Content of the source: the whole, and perhaps what there is from an offset on. */
interface Content {
  whole(): Bytes
  from?(start: number): Bytes
  /** What it will be called. */
  as?: string
}

/** A body that remembers an error of the source on its way through the target. */
function blamedBody({ whole, from }: Content, step: string): { body: Body; failure(): unknown } {
  let failure: unknown
  async function* blamed(bytes: Bytes): Bytes {
    try {
      yield* bytes
    } catch (error) {
      failure = blame('source', step, error)
      throw failure
    }
  }
  const body = {
    [Symbol.asyncIterator]: () => blamed(whole())[Symbol.asyncIterator](),
    ...(from ? { from: (start: number) => blamed(from(start)) } : {}),
  }
  return { body, failure: () => failure }
}

/** Passes bytes on, telling the job how far they are. */
async function* reported(
  bytes: Bytes,
  { descriptor, start = 0 }: { descriptor: Descriptor; start?: number },
  job: Job,
): Bytes {
  const { digest: task, size: total } = descriptor
  let done = start
  let last = 0
  for await (const chunk of bytes) {
    checkCanceled(job)
    yield chunk
    done += chunk.length
    const now = performance.now()
    if (now - last < REPORT_EVERY && done < total) continue
    last = now
    job.progress({ type: 'bytes', task, done, total })
  }
}
