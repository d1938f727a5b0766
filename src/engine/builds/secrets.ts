import { SHORTEST_SECRET } from '../../build/index.ts'
import type { ProgressEvent } from '../../core/index.ts'

const MASK = '***'
/** A line that is longer is passed on in pieces. */
const LONGEST_LINE = 1 << 20

/**
 * Takes values that must not be kept out of what is written down: from texts, and from output, where one may come in
 * pieces. Output is held back until its line is complete, as long as there is anything to look for.
 */
export class SecretFilter {
  readonly #secrets: readonly string[]
  readonly #rests = new Map<string, { event: LogEvent; chunk: Buffer }>()

  constructor(secrets: Iterable<string>) {
    const parts = [...secrets].flatMap((secret) => [secret, ...secret.split('\n')])
    const usable = new Set(parts.map((part) => part.trim()).filter((part) => part.length >= SHORTEST_SECRET))
    this.#secrets = [...usable].sort((a, b) => b.length - a.length)
  }

  /** The text without secrets. */
  text(text: string): string {
    return this.#secrets.reduce((rest, secret) => rest.replaceAll(secret, MASK), text)
  }

  /** The value without secrets in any of its texts. */
  value<T>(value: T): T {
    if (this.#secrets.length === 0) return value
    const clean = (_key: string, part: unknown): unknown => (typeof part === 'string' ? this.text(part) : part)
    return JSON.parse(JSON.stringify(value, clean)) as T
  }

  /** The event without secrets, or what of it can be told already, or nothing yet. */
  event(event: ProgressEvent): ProgressEvent[] {
    if (this.#secrets.length === 0) return [event]
    if (event.type === 'log') return this.#log(event)
    if (event.type === 'finished') return [...this.rests(event.task), this.value(event)]
    if (event.type !== 'warning') return [this.value(event)]
    const { span, ...rest } = event
    return [{ ...this.value(rest), ...(span ? { span } : {}) }]
  }

  /** Lines of a task that were not ended, or of all. */
  rests(task?: string): ProgressEvent[] {
    return [...this.#rests].flatMap(([key, { event, chunk }]) => {
      if (task !== undefined && event.task !== task) return []
      this.#rests.delete(key)
      return [this.#clean(event, chunk)]
    })
  }

  #log(event: LogEvent): ProgressEvent[] {
    const key = `${event.stream} ${event.task}`
    const before = this.#rests.get(key)?.chunk ?? Buffer.alloc(0)
    const all = Buffer.concat([before, event.chunk])
    const cut = all.length > LONGEST_LINE ? all.length : all.lastIndexOf(10) + 1
    this.#rests.set(key, { event, chunk: all.subarray(cut) })
    if (cut === all.length) this.#rests.delete(key)
    return cut === 0 ? [] : [this.#clean(event, all.subarray(0, cut))]
  }

  #clean(event: LogEvent, chunk: Buffer): ProgressEvent {
    const text = chunk.toString('latin1')
    const bytes = this.#secrets.map((secret) => Buffer.from(secret).toString('latin1'))
    const clean = bytes.reduce((rest, secret) => rest.replaceAll(secret, MASK), text)
    return { ...event, chunk: clean === text ? chunk : Buffer.from(clean, 'latin1') }
  }
}

type LogEvent = Extract<ProgressEvent, { type: 'log' }>
