import { createLimit, messageOf } from '../../../core/index.ts'
import { openRegistryRepository, type RegistryRepository } from '../../../registry/index.ts'
import { parseRepositoryPattern } from '../access/repository-pattern.ts'
import type { Pattern } from '../pattern.ts'
import { prefixOf, type UpstreamConfig } from './config.ts'
import { kindOf, waitOf } from './failures.ts'
import { timeoutOf, upstreamSettings, urlOf } from './settings.ts'
import { Counters, type UpstreamState } from './state.ts'

/** Milliseconds for which an upstream that failed is not asked for what is here. */
const PAUSE = { down: 10_000, broken: 10_000, busy: 30_000 } as const
/** Repositories whose connections are kept; each knows how to log in. */
const MOST_OPEN = 200
/** Clients wait behind it: fewer tries than for somebody who pulls himself. */
const PATIENCE = { tries: 3, firstPause: 200, longestPause: 2_000, longestWait: 3_000 } as const

/** A registry that we are a cache of. */
export class Upstream {
  readonly config: UpstreamConfig
  readonly name: string
  readonly prefix: string
  readonly counters: Counters = new Counters()
  /** Waits for a turn to fetch a large blob. */
  readonly limit: <T>(work: () => Promise<T>) => Promise<T>
  readonly #patterns: readonly Pattern[] | undefined
  readonly #log: (line: string) => void
  readonly #open = new Map<string, RegistryRepository>()
  #failure: { message: string; at: number; until: number; kind: keyof typeof PAUSE } | undefined
  #hasAnswered = false

  constructor(config: UpstreamConfig, log: (line: string) => void) {
    this.config = config
    this.name = config.name
    this.prefix = prefixOf(config)
    this.limit = createLimit(config.downloads ?? 4)
    this.#patterns = config.repositories?.map(parseRepositoryPattern)
    this.#log = log
  }

  /** Milliseconds for which a tag is believed. */
  get freshFor(): number {
    return this.config.fresh ?? 60_000
  }

  /** Milliseconds for which it is believed that something is not there. */
  get missingFor(): number {
    return this.config.missing ?? 10_000
  }

  /** Whether a repository, by its name there, is passed on. */
  serves(path: string): boolean {
    return this.#patterns?.some((pattern) => pattern.matches(path)) ?? true
  }

  /** One of its repositories, for requests that came `via` others. */
  open(path: string, via: string): RegistryRepository {
    const key = `${path} ${via}`
    const known = this.#open.get(key)
    if (known) return known
    const settings = upstreamSettings(this.config, via)
    const patience = { ...PATIENCE, silence: timeoutOf(this.config) }
    const opened = openRegistryRepository({ domain: this.name, path }, { settings, patience })
    this.#open.set(key, opened)
    // what still uses an old one keeps it; it only cannot be found any more
    if (this.#open.size > MOST_OPEN) this.#open.delete(this.#open.keys().next().value!)
    return opened
  }

  /** Begins anew with a repository: logs in again. */
  forget(path: string, via: string): void {
    this.#open.delete(`${path} ${via}`)
  }

  /** Why it is asked for nothing that can be done without. */
  paused(): { kind: keyof typeof PAUSE; left: number } | undefined {
    const left = (this.#failure?.until ?? 0) - Date.now()
    return left > 0 ? { kind: this.#failure!.kind, left } : undefined
  }

  /** It answered as it should. */
  answered(): void {
    if (this.#failure) this.#log(`${this.name} answers again`)
    this.#failure = undefined
    this.#hasAnswered = true
  }

  /** Something failed there; "no" is an answer. */
  failed(error: unknown): void {
    const kind = kindOf(error)
    if (kind === undefined) return
    if (kind === 'missing' || kind === 'refused') {
      this.answered()
      return
    }
    const [at, message] = [Date.now(), messageOf(error)]
    if (this.#failure?.message !== message) this.#log(`${this.name}: ${message}`)
    this.#failure = { kind, message, at, until: at + (waitOf(error) ?? PAUSE[kind]) }
  }

  state(): UpstreamState {
    const { name, prefix, config, counters } = this
    const failure = this.#failure
    return {
      name,
      prefix,
      url: urlOf(config),
      isDefault: config.default === true,
      ...(failure
        ? { isReachable: false, lastError: failure.message, failedAt: failure.at, pausedUntil: failure.until }
        : this.#hasAnswered
          ? { isReachable: true }
          : {}),
      ...counters,
      bytesSaved: Math.max(0, counters.bytesServed - counters.bytesFetched),
    }
  }
}

/** One repository of an upstream, as a request is about it. */
export interface Remote {
  readonly upstream: Upstream
  /** Its name here. */
  readonly name: string
  /** Its name there. */
  readonly path: string
  readonly via: string
}

/** Asks an upstream for something of a repository, and notes how it went. */
export async function ask<T>(remote: Remote, question: (repository: RegistryRepository) => Promise<T>): Promise<T> {
  const { upstream, path, via } = remote
  try {
    const answer = await question(upstream.open(path, via))
    upstream.answered()
    return answer
  } catch (error) {
    upstream.failed(error)
    // the next question is asked with the password that is set then
    if (kindOf(error) === 'refused') upstream.forget(path, via)
    throw error
  }
}

/** A key for what is remembered of a repository: what one has, another need not have. */
export function keyOf({ name }: Remote, reference: string): string {
  return `${name} ${reference}`
}
