import { randomUUID } from 'node:crypto'
import type { RegistryDatabase } from '../folder/database.ts'
import { matchesAny, type Pattern } from '../pattern.ts'
import { backOff, deliver, type HookAddress } from './delivery.ts'
import { envelopeOf, type HookFormat } from './envelope.ts'
import type { EventAction, RegistryEvent } from './event.ts'

/** Somebody who wants to be told. */
export interface Hook extends HookAddress {
  name: string
  events: readonly EventAction[]
  repositories: readonly Pattern[]
  format: HookFormat
}

/** How it goes with a hook. */
export interface HookState {
  name: string
  url: string
  /** Events that it has not been told yet. */
  waiting: number
  /** Since the start: told, and given up because they were too many or too old. */
  delivered: number
  dropped: number
  /** What went wrong last, while it goes wrong. */
  error?: string | undefined
}

/** Events on their way to hooks. They survive the end of the process, and are told at least once, in their order. */
export interface Outbox {
  readonly hooks: readonly Hook[]
  wants(action: EventAction): boolean
  /** Writes the event for all hooks that want it, as part of the transaction under way. */
  add(event: RegistryEvent): void
  state(): HookState[]
  /** Ends deliveries under way; what they carried is told after the next start. */
  close(): Promise<void>
}

/** Most events that wait for a hook: then the oldest go. */
const MOST = 10_000
/** Milliseconds after which an event is old news. */
const OLDEST = 3 * 86_400_000

export function openOutbox(db: RegistryDatabase, hooks: readonly Hook[], address: () => string): Outbox {
  const stop = new AbortController()
  const instance = randomUUID()
  const tell = (hook: Hook, body: string): Promise<string | undefined> => {
    const envelope = envelopeOf(JSON.parse(body) as RegistryEvent, hook.format, { address: address(), instance })
    return deliver(hook, envelope, stop.signal)
  }
  const lines = hooks.map((hook) => new Line(db, hook, (body) => tell(hook, body)))
  for (const line of lines) line.wake()
  const wants = (hook: Hook, event: Pick<RegistryEvent, 'action' | 'repository'>): boolean =>
    hook.events.includes(event.action) && matchesAny(hook.repositories, event.repository)
  return {
    hooks,
    wants: (action) => hooks.some(({ events }) => events.includes(action)),
    add(event) {
      const wanting = lines.filter(({ hook }) => wants(hook, event))
      if (wanting.length === 0) return
      const sql = 'INSERT INTO events (happened_at, kind, repository, body) VALUES (?, ?, ?, ?) RETURNING id'
      const row = db.get<{ id: number }>(sql, event.time, event.action, event.repository, JSON.stringify(event))!
      for (const line of wanting) line.add(row.id)
    },
    state: () => lines.map((line) => line.state()),
    async close() {
      stop.abort()
      await Promise.all(lines.map((line) => line.close()))
    },
  }
}

/** Drops what waits for hooks that are no longer in the configuration. */
export function forgetOtherHooks(db: RegistryDatabase, hooks: readonly Hook[]): void {
  const names = JSON.stringify(hooks.map(({ name }) => name))
  db.transaction(() => {
    db.run('DELETE FROM deliveries WHERE hook NOT IN (SELECT value FROM json_each(?))', names)
    db.run('DELETE FROM events WHERE id NOT IN (SELECT event FROM deliveries)')
  })
}

/** What one hook is told, one event after another. */
class Line {
  readonly hook: Hook
  readonly #db: RegistryDatabase
  readonly #tell: (body: string) => Promise<string | undefined>
  #running: Promise<void> | undefined
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #delivered = 0
  #dropped = 0
  #waiting: number
  #error: string | undefined

  constructor(db: RegistryDatabase, hook: Hook, tell: (body: string) => Promise<string | undefined>) {
    this.#db = db
    this.hook = hook
    this.#tell = tell
    this.#waiting = this.#count()
  }

  add(event: number): void {
    this.#db.run('INSERT INTO deliveries (event, hook, due_at) VALUES (?, ?, ?)', event, this.hook.name, Date.now())
    if (++this.#waiting > MOST) this.#shorten()
    // not before the transaction that this is part of has ended
    if (!this.#timer && !this.#running) this.#timer = setTimeout(() => this.wake(), 0).unref()
  }

  wake(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#closed || this.#running) return
    this.#running = this.#run().finally(() => {
      this.#running = undefined
    })
  }

  state(): HookState {
    const { name, url } = this.hook
    const [waiting, delivered, dropped] = [this.#count(), this.#delivered, this.#dropped]
    return { name, url: withoutSecrets(url), waiting, delivered, dropped, error: this.#error }
  }

  async close(): Promise<void> {
    this.#closed = true
    clearTimeout(this.#timer)
    await this.#running
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      const next = this.#db.get<{ event: number; attempts: number; due: number; time: number; body: string }>(
        `SELECT d.event, d.attempts, d.due_at AS due, e.happened_at AS time, e.body
         FROM deliveries d JOIN events e ON e.id = d.event WHERE d.hook = ? ORDER BY d.event LIMIT 1`,
        this.hook.name,
      )
      if (!next) return
      const wait = next.due - Date.now()
      if (wait > 0) {
        this.#timer = setTimeout(() => this.wake(), Math.min(wait, 600_000)).unref()
        // an event that comes meanwhile must not wake it early
        return
      }
      await this.#attempt(next)
    }
  }

  async #attempt({ event, attempts, time, body }: { event: number; attempts: number; time: number; body: string }) {
    const problem = Date.now() - time > OLDEST ? 'too old' : await this.#tell(body)
    if (this.#closed && problem !== undefined) return
    if (problem === undefined || problem === 'too old') {
      this.#settle(event)
      if (problem) this.#dropped++
      else this.#delivered++
      this.#error = undefined
      return
    }
    this.#error = problem
    this.#db.run(
      'UPDATE deliveries SET attempts = ?, due_at = ?, error = ? WHERE event = ? AND hook = ?',
      ...[attempts + 1, Date.now() + backOff(attempts + 1), problem.slice(0, 500), event, this.hook.name],
    )
  }

  #settle(event: number): void {
    this.#waiting--
    this.#db.transaction(() => {
      this.#db.run('DELETE FROM deliveries WHERE event = ? AND hook = ?', event, this.hook.name)
      this.#db.run('DELETE FROM events WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM deliveries WHERE event = ?1)', event)
    })
  }

  /** Keeps the latest, with some room so that this is not done for each event. */
  #shorten(): void {
    this.#dropped += this.#db.run(
      `DELETE FROM deliveries WHERE hook = ?1 AND event <= (
         SELECT event FROM deliveries WHERE hook = ?1 ORDER BY event DESC LIMIT 1 OFFSET ?2)`,
      ...[this.hook.name, Math.floor(MOST * 0.9)],
    )
    this.#waiting = this.#count()
  }

  #count(): number {
    return this.#db.get<{ n: number }>('SELECT count(*) AS n FROM deliveries WHERE hook = ?', this.hook.name)!.n
  }
}

function withoutSecrets(text: string): string {
  const url = new URL(text)
  return url.origin + url.pathname
}
