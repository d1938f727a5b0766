import { randomBytes } from 'node:crypto'
import { type BuildSession, type ExplainedStep, explainSteps, type Solver, soundsSecret } from '../../build/index.ts'
import type { Store } from '../../store/index.ts'

/** A build of the past, as far as explanations need it. */
export interface BuildRecord {
  id: string
  /** Unix milliseconds. */
  startedAt: number
  endedAt: number
  result: 'done' | 'failed'
  /** The context, and the Dockerfile if it has another name. */
  name: string
  steps: ExplainedStep[]
}

/** Takes down one build. Disposing writes it down, whether it came to its end or failed. */
export class BuildRecorder implements Disposable {
  readonly #store: Store
  readonly #session: BuildSession
  readonly #about: { context: string; dockerfile: string }
  readonly #startedAt = Date.now()
  #solver: Solver | undefined
  #steps: ExplainedStep[] | undefined

  constructor(store: Store, session: BuildSession, about: { context: string; dockerfile: string }) {
    this.#store = store
    this.#session = session
    this.#about = about
  }

  /** The solver whose steps are taken down. */
  follow(solver: Solver): Solver {
    this.#solver = solver
    return solver
  }

  /** Explains the steps, once they are settled and the build has succeeded. */
  explain(): ExplainedStep[] {
    this.#steps ??= this.#explained()
    return this.#steps
  }

  [Symbol.dispose](): void {
    if (!this.#solver) return
    const result = this.#steps ? 'done' : 'failed'
    try {
      this.#save(result, this.explain())
    } catch {
      // it would hide why the build failed; the next build explains itself by the steps that are remembered
    }
  }

  get #definition(): string {
    return JSON.stringify([this.#about.context, this.#about.dockerfile])
  }

  #explained(): ExplainedStep[] {
    const past = this.#store.builds.of(this.#definition).map((row) => (row.record as BuildRecord).steps)
    const places = { store: this.#store, lists: this.#session.fileLists }
    return explainSteps(this.#solver?.traces() ?? [], past, places)
  }

  #save(result: BuildRecord['result'], steps: ExplainedStep[]): void {
    const { context, dockerfile } = this.#about
    const id = randomBytes(8).toString('hex')
    const name = dockerfile === 'Dockerfile' ? context : `${context} (${dockerfile})`
    const startedAt = this.#startedAt
    const record: BuildRecord = { id, startedAt, endedAt: Date.now(), result, name, steps }
    this.#store.builds.save({ id, definition: this.#definition, startedAt, record })
  }
}

/** Values of build arguments that sound like secrets. */
export function secretValues(buildArgs: Readonly<Record<string, string>> = {}): string[] {
  return Object.entries(buildArgs).flatMap(([name, value]) => (soundsSecret(name) ? [value] : []))
}
