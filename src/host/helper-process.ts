import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type ErrorCode,
  fail,
  type Job,
  type ProgressEvent,
  SlipwayError,
  silentJob,
  withDiskCode,
} from '../core/index.ts'
import { requireProgram } from './program.ts'

/** What one side sends: a call, or a stop for it. */
type Request = { id: number; method: string; params: unknown } | { cancel: number }
/** What the other side answers: any number of events, then a result or an error. */
type Reply = { id: number; event: ProgressEvent } | { id: number; result: unknown } | { id: number; error: WireError }

interface WireError {
  code?: ErrorCode
  message: string
  hint?: string
  data?: Record<string, unknown>
}

/** The functions a helper process offers. Parameters and results are plain data (structured clone). */
export type HelperMethods = Record<string, (params: never, job: Job) => Promise<unknown>>

/** How a helper process is confined. */
export interface HelperOptions {
  /** A mount namespace of its own: its mounts die with it. */
  mounts?: boolean
  /** A pid namespace of its own: every process that it started dies with it, and it dies with its starter. */
  processes?: boolean
}

/** A helper process, seen from the process that started it. Disposing ends it, and with it all that it mounted. */
export class HelperProcess<Methods extends HelperMethods> implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #pending = new Map<number, { resolve(v: unknown): void; reject(e: Error): void; job: Job }>()
  readonly #exited: Promise<void>
  #failure: Error | undefined
  #nextId = 1

  /** `entry` is the program to run: a file beside the caller, as `new URL('./main.ts', import.meta.url)`. */
  constructor(entry: URL, options: HelperOptions) {
    const wrapper = confinement(options)
    const [command, ...args] = [
      ...wrapper,
      process.execPath,
      '--disable-warning=ExperimentalWarning',
      programFile(entry),
    ]
    const spawnOptions: SpawnOptions = { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], serialization: 'advanced' }
    this.#child = spawn(command!, args, spawnOptions)
    this.#child.on('message', (reply) => this.#receive(reply as Reply))
    this.#exited = new Promise((resolve) => {
      this.#child.once('error', (error) => this.#fail(resolve, error))
      this.#child.once('exit', (code, signal) => this.#fail(resolve, new Error(`it ended with ${signal ?? code}`)))
    })
  }

  /**
   * Runs a method over there; its progress events and the job's cancellation travel along. Fails as the method does, or
   * with `INTERNAL` when the process has ended.
   */
  call<M extends keyof Methods & string>(
    method: M,
    params: Parameters<Methods[M]>[0],
    job: Job = silentJob,
  ): ReturnType<Methods[M]> {
    const id = this.#nextId++
    const stop = (): void => this.#send({ cancel: id })
    const answer = new Promise<unknown>((resolve, reject) => {
      if (this.#failure) throw this.#failure
      this.#pending.set(id, { resolve, reject, job })
      this.#send({ id, method, params })
      job.signal?.addEventListener('abort', stop, { once: true })
      if (job.signal?.aborted) stop()
    })
    return answer.finally(() => job.signal?.removeEventListener('abort', stop)) as ReturnType<Methods[M]>
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.connected) this.#child.disconnect()
    await this.#exited
  }

  #send(request: Request): void {
    if (this.#child.connected) this.#child.send(request, () => {})
  }

  #receive(reply: Reply): void {
    const waiting = this.#pending.get(reply.id)
    if (!waiting) return
    if ('event' in reply) {
      waiting.job.progress(reply.event)
      return
    }
    this.#pending.delete(reply.id)
    if ('error' in reply) waiting.reject(fromWire(reply.error))
    else waiting.resolve(reply.result)
  }

  #fail(done: () => void, cause: Error): void {
    this.#failure = fail('INTERNAL', `a helper process stopped unexpectedly: ${cause.message}`, { cause })
    for (const waiting of this.#pending.values()) waiting.reject(this.#failure)
    this.#pending.clear()
    done()
  }
}

/** The other side: offers `methods` to the starter, and ends when the starter does. Call once, at the top of a program. */
export function serveHelper(methods: HelperMethods): void {
  const running = new Map<number, AbortController>()
  const reply = (message: Reply): void => {
    // what cannot be sent has nobody to read it: the starter is gone, and `disconnect` about to come
    if (process.connected) process.send!(message, () => {})
  }
  process.on('disconnect', () => process.exit(0))
  // a terminal's Ctrl-C reaches the whole process group; the starter decides what it means
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {})
  process.on('message', async (message) => {
    const request = message as Request
    if ('cancel' in request) return running.get(request.cancel)?.abort()
    const { id, method, params } = request
    const controller = new AbortController()
    running.set(id, controller)
    const job: Job = { progress: (event) => reply({ id, event }), signal: controller.signal }
    try {
      reply({ id, result: await methods[method]!(params as never, job) })
    } catch (error) {
      // its causes stay here, so what a full disk did must be said before it goes
      reply({ id, error: toWire(withDiskCode(error) as Error) })
    } finally {
      running.delete(id)
    }
  })
}

function toWire(error: Error): WireError {
  if (!(error instanceof SlipwayError)) return { message: error.stack ?? error.message }
  const { code, message, hint, data } = error
  return hint === undefined ? { code, message, data } : { code, message, data, hint }
}

function fromWire({ code, message, hint, data }: WireError): Error {
  if (!code) return fail('INTERNAL', message)
  return fail(code, message, { ...(hint === undefined ? {} : { hint }), ...(data === undefined ? {} : { data }) })
}

function confinement({ mounts, processes }: HelperOptions): string[] {
  if (!mounts && !processes) return []
  const flags = mounts ? ['--mount', '--propagation', 'unchanged'] : []
  // --kill-child: the helper dies with `unshare`, should that be killed
  if (processes) flags.push('--pid', '--fork', '--kill-child', '--mount-proc')
  return [requireProgram('unshare'), ...flags]
}

/** Bundled, a program lies beside the others as `<name>.js`; in the source tree it is the file itself. */
function programFile(entry: URL): string {
  const file = fileURLToPath(entry)
  return existsSync(file) ? file : file.replace(/\.ts$/, '.js')
}
