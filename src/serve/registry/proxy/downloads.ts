import { type Digest, OnceAtATime } from '../../../core/index.ts'
import type { Descriptor } from '../../../oci/index.ts'
import { refuse } from '../failure.ts'
import type { StoredBlob } from '../storage.ts'
import { PROXY, type ProxyContext } from './context.ts'
import { Download } from './download.ts'
import { failureFor, kindOf } from './failures.ts'
import { Memory } from './memory.ts'
import { namedHere } from './named.ts'
import { ask, keyOf, type Remote } from './upstream.ts'

/** Repositories that are looked at for a blob that one of them may have. */
const SIBLINGS = 32

/** Blobs of upstreams: each is fetched once, however many ask for it at the same time. */
export class Downloads {
  readonly #context: ProxyContext
  readonly #running = new Map<string, Download>()
  readonly #opening = new OnceAtATime<string, Download | StoredBlob>()
  readonly #missing = new Memory<true>()

  constructor(context: ProxyContext) {
    this.#context = context
  }

  /**
   * A blob that is here, or on its way as soon as its first bytes have come. `accept` throws when there is no room for so
   * many bytes. Fails with a `ProtocolFailure`.
   */
  async open(remote: Remote, digest: Digest, accept: (size: number) => void): Promise<Download | StoredBlob> {
    if (this.#missing.get(keyOf(remote, digest))) throw refuse('BLOB_UNKNOWN', 'blob unknown to registry')
    try {
      const opened = await this.#opening.get(keyOf(remote, digest), () => this.#open(remote, digest, accept))
      if (opened instanceof Download) await opened.started
      return opened
    } catch (error) {
      throw this.#failed(remote, digest, error)
    }
  }

  /** The size of a blob that need not be here. */
  async describe(remote: Remote, digest: Digest): Promise<Descriptor> {
    const running = this.#running.get(`${remote.upstream.name} ${digest}`)
    if (running?.repositories.has(remote.name)) return running.descriptor
    if (this.#missing.get(keyOf(remote, digest))) throw refuse('BLOB_UNKNOWN', 'blob unknown to registry')
    try {
      return await this.#find(remote, digest)
    } catch (error) {
      throw this.#failed(remote, digest, error)
    }
  }

  /** Ends when all downloads have, which the end of the job sees to. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#running.values()].map(({ finished }) => finished))
  }

  async #open(remote: Remote, digest: Digest, accept: (size: number) => void): Promise<Download | StoredBlob> {
    const key = `${remote.upstream.name} ${digest}`
    const mine = this.#running.get(key)
    if (mine?.repositories.has(remote.name)) return mine
    const holder = mine ? undefined : this.#holder(remote, digest)
    if (mine || holder !== undefined) {
      // that another repository has it says nothing about this one: only the upstream knows
      await this.#find(remote, digest)
      const shared = holder === undefined ? this.#join(key, remote) : await this.#mount(remote, digest, holder)
      if (shared) return shared
    }
    const descriptor = namedHere(this.#context, remote, digest, 'blob') ?? (await this.#find(remote, digest))
    const joined = this.#join(key, remote)
    if (joined) return joined
    accept(descriptor.size)
    return this.#start(key, remote, descriptor)
  }

  #join(key: string, { name }: Remote): Download | undefined {
    const running = this.#running.get(key)
    running?.repositories.add(name)
    return running
  }

  #start(key: string, remote: Remote, descriptor: Descriptor): Download {
    const { counters } = remote.upstream
    const download = new Download(remote, descriptor, this.#context)
    this.#running.set(key, download)
    counters.downloads++
    const ended = (): void => {
      this.#running.delete(key)
      counters.downloads--
    }
    download.finished.then(ended, ended)
    return download
  }

  /** A repository of the same upstream that has the blob here. */
  #holder({ upstream, name }: Remote, digest: Digest): string | undefined {
    const names = this.#context.storage.repositoriesWith(digest, SIBLINGS)
    return names.find((one) => one !== name && one.startsWith(`${upstream.prefix}/`))
  }

  async #mount({ name }: Remote, digest: Digest, holder: string): Promise<StoredBlob | undefined> {
    const here = this.#context.storage.repository(name)
    await here.mount(digest, holder, { by: PROXY })
    return here.blob(digest)
  }

  #find(remote: Remote, digest: Digest): Promise<Descriptor> {
    return ask(remote, (repository) => repository.findBlob(digest, this.#context.job))
  }

  #failed(remote: Remote, digest: Digest, error: unknown): unknown {
    if (kindOf(error) === 'missing') this.#missing.set(keyOf(remote, digest), true, remote.upstream.missingFor)
    return failureFor(error, remote.upstream.name, 'blob')
  }
}
