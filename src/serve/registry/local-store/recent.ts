import type { Digest } from '../../../core/index.ts'
import type { Lease, Store } from '../../../store/index.ts'

/** Milliseconds for which content without a name is kept at least. */
const KEPT = 3_600_000

interface Round {
  readonly lease: Lease
  readonly digests: Map<string, Set<Digest>>
}

/**
 * What was pushed into repositories and has no name yet: readable there, and protected from collection, for one to two
 * hours. Two leases take turns, so that nothing is held for ever by a server that runs for long.
 */
export class RecentContent implements Disposable {
  readonly #store: Store
  readonly #timer: NodeJS.Timeout
  #current: Round
  #previous: Round | undefined

  constructor(store: Store) {
    this.#store = store
    this.#current = { lease: store.lease(), digests: new Map() }
    this.#timer = setInterval(() => this.#turn(), KEPT).unref()
  }

  /** The lease for what is written now. */
  get lease(): Lease {
    return this.#current.lease
  }

  add(repository: string, digest: Digest): void {
    const { lease, digests } = this.#current
    lease.hold([digest])
    const known = digests.get(repository)
    if (known) known.add(digest)
    else digests.set(repository, new Set([digest]))
  }

  has(repository: string, digest: Digest): boolean {
    return this.#rounds().some((round) => round.digests.get(repository)?.has(digest))
  }

  of(repository: string): Digest[] {
    return this.#rounds().flatMap((round) => [...(round.digests.get(repository) ?? [])])
  }

  forget(repository: string, digest: Digest): void {
    for (const round of this.#rounds()) round.digests.get(repository)?.delete(digest)
  }

  repositories(): string[] {
    return this.#rounds().flatMap((round) => [...round.digests.keys()])
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    for (const round of this.#rounds()) round.lease[Symbol.dispose]()
  }

  #rounds(): Round[] {
    return this.#previous ? [this.#current, this.#previous] : [this.#current]
  }

  #turn(): void {
    this.#previous?.lease[Symbol.dispose]()
    this.#previous = this.#current
    this.#current = { lease: this.#store.lease(), digests: new Map() }
  }
}
