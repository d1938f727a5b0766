import { type ByteString, type Job, silentJob } from '../../core/index.ts'
import { quoteName } from '../limits.ts'

/** At most so many warnings of one kind: a layer can have a million entries that all deserve the same one. */
const MOST_OF_A_KIND = 10
const MOST_KINDS = 100

/** Tells the job what was changed or left out on the way. */
export class Warnings {
  readonly #job: Job
  readonly #task: string | undefined
  readonly #count: Map<string, number> = new Map()

  constructor(job: Job = silentJob, task?: string) {
    this.#job = job
    this.#task = task
  }

  /** `kind` groups warnings of which only the first few are told. */
  add(code: string, entry: ByteString, what: string, kind: string = what): void {
    if (this.#count.size >= MOST_KINDS) return
    const count = (this.#count.get(code + kind) ?? 0) + 1
    this.#count.set(code + kind, count)
    const more = count === MOST_OF_A_KIND ? ' (and maybe more like it)' : ''
    if (count <= MOST_OF_A_KIND) this.#tell(code, `${quoteName(entry)}: ${what}${more}`)
  }

  /** A warning about the whole, which is told the first time only. */
  once(code: string, message: string): void {
    if (!this.#count.has(code)) this.#tell(code, message)
    this.#count.set(code, 1)
  }

  #tell(code: string, message: string): void {
    this.#job.progress({ type: 'warning', code, message, ...(this.#task === undefined ? {} : { task: this.#task }) })
  }
}
