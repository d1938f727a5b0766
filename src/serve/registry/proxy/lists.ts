import { type Digest, OnceAtATime } from '../../../core/index.ts'
import type { Descriptor } from '../../../oci/index.ts'
import type { RepositoryStorage } from '../storage.ts'
import type { ProxyContext } from './context.ts'
import { failureFor, mayBeStale } from './failures.ts'
import { Memory } from './memory.ts'
import { ask, keyOf, type Remote } from './upstream.ts'

/** Entries that are read of one list of an upstream. */
const MOST_TAGS = 100_000
const MOST_REFERRERS = 10_000

/** A whole list, and whether the upstream could not be asked for it. */
export interface Listed<T> {
  readonly entries: readonly T[]
  readonly isStale: boolean
}

/** Tags and referrers as the upstream lists them; where it does not answer, those that are here. */
export class Lists {
  readonly #context: ProxyContext
  readonly #tags = new Memory<readonly string[]>()
  readonly #referrers = new Memory<readonly Descriptor[]>()
  readonly #listing = new OnceAtATime<string, readonly string[]>()
  readonly #finding = new OnceAtATime<string, readonly Descriptor[]>()

  constructor(context: ProxyContext) {
    this.#context = context
  }

  /** All tags, sorted. Fails with a `ProtocolFailure`. */
  tags(remote: Remote): Promise<Listed<string>> {
    const list = async (): Promise<readonly string[]> => {
      const { job } = this.#context
      const tags = await ask(remote, (repository) => gather(repository.tags(job), MOST_TAGS))
      return tags.sort()
    }
    const key = keyOf(remote, '')
    const fresh = { memory: this.#tags, key, make: () => this.#listing.get(key, list) }
    return this.#listed(remote, fresh, (here) => here.tags({ limit: MOST_TAGS }))
  }

  /** What refers to a manifest, sorted by digest. Fails with a `ProtocolFailure`. */
  referrers(remote: Remote, subject: Digest): Promise<Listed<Descriptor>> {
    const descriptor = { mediaType: '', digest: subject, size: 0 }
    const list = async (): Promise<readonly Descriptor[]> => {
      const { job } = this.#context
      const all = await ask(remote, (repository) =>
        gather(repository.referrers(descriptor, undefined, job), MOST_REFERRERS),
      )
      return all.sort((a, b) => (a.digest < b.digest ? -1 : 1))
    }
    const key = keyOf(remote, subject)
    const fresh = { memory: this.#referrers, key, make: () => this.#finding.get(key, list) }
    return this.#listed(remote, fresh, (here) => here.referrers(subject, { limit: MOST_REFERRERS }))
  }

  async #listed<T>(
    remote: Remote,
    { memory, key, make }: { memory: Memory<readonly T[]>; key: string; make(): Promise<readonly T[]> },
    local: (here: RepositoryStorage) => readonly T[],
  ): Promise<Listed<T>> {
    const known = memory.get(key)
    if (known) return { entries: known, isStale: false }
    const here = this.#context.storage.repository(remote.name)
    const { upstream } = remote
    if (upstream.paused() && here.exists()) return { entries: local(here), isStale: true }
    try {
      const entries = await make()
      memory.set(key, entries, upstream.freshFor)
      return { entries, isStale: false }
    } catch (error) {
      if (!mayBeStale(error) || !here.exists()) throw failureFor(error, upstream.name, 'repository')
      return { entries: local(here), isStale: true }
    }
  }
}

async function gather<T>(entries: AsyncIterable<T>, most: number): Promise<T[]> {
  const all: T[] = []
  for await (const entry of entries) {
    all.push(entry)
    if (all.length >= most) break
  }
  return all
}
