import { collectBytes, type Digest, fail, isDigest, OnceAtATime } from '../../../core/index.ts'
import { type Descriptor, LIMITS, parseImageDocument } from '../../../oci/index.ts'
import { refuse } from '../failure.ts'
import { isTag } from '../protocol/route.ts'
import { PROXY, type ProxyContext } from './context.ts'
import { failureFor, kindOf, mayBeStale, tooManyRequests } from './failures.ts'
import { Memory } from './memory.ts'
import { namedHere } from './named.ts'
import { soon } from './soon.ts'
import { ask, keyOf, type Remote } from './upstream.ts'

/** Milliseconds for which a tag waits for its manifest, and how many do for the same. */
const UNNAMED = 3_600_000
const REMEMBERED = 86_400_000
const MOST_TAGS = 20

/** What a reference stands for, and whether the upstream could not be asked about it. */
export interface Found {
  readonly descriptor: Descriptor
  readonly isStale: boolean
}

/** Manifests of upstreams: asked for once, kept in the storage, and tags looked at again when they are not fresh any more. */
export class Manifests {
  readonly #context: ProxyContext
  /** What tags stand for, while that is believed. */
  readonly #tags = new Memory<Descriptor>()
  /** What HEAD has said, for those who have the content themselves and ask while the upstream is away. */
  readonly #told = new Memory<Descriptor>()
  /** What HEAD has said about digests, so that GET need not ask again. */
  readonly #described = new Memory<Descriptor>()
  /** Tags that HEAD has asked about, of manifests that may be fetched by their digests next. */
  readonly #unnamed = new Memory<readonly string[]>()
  readonly #missing = new Memory<true>()
  readonly #resolving = new OnceAtATime<string, Descriptor>()
  readonly #fetching = new OnceAtATime<string, void>()

  constructor(context: ProxyContext) {
    this.#context = context
  }

  /**
   * Finds out what a tag or digest stands for. With `wantsContent` the manifest is in the storage when this resolves; without, it
   * is only there if it was before. Fails with a `ProtocolFailure` where the upstream has it not or does not answer.
   */
  async find(remote: Remote, reference: string, wantsContent: boolean): Promise<Found> {
    const isByDigest = isDigest(reference)
    if (!isByDigest && !isTag(reference)) throw refuse('MANIFEST_UNKNOWN', 'manifest unknown')
    const known =
      this.#context.storage.repository(remote.name).describe(reference) ??
      (wantsContent ? undefined : this.#told.get(keyOf(remote, reference)))
    if (known && (isByDigest || this.#tags.get(keyOf(remote, reference))?.digest === known.digest)) {
      remote.upstream.counters.hits++
      return { descriptor: known, isStale: false }
    }
    const { counters } = remote.upstream
    if (known && remote.upstream.paused()) {
      counters.stale++
      return { descriptor: known, isStale: true }
    }
    try {
      const asking = this.#ask(remote, reference, wantsContent)
      const descriptor = await (known ? soon(asking, remote) : asking)
      if (descriptor.digest === known?.digest) counters.hits++
      else counters.misses++
      return { descriptor, isStale: false }
    } catch (error) {
      return { descriptor: await this.#fallBack(remote, reference, known, error), isStale: true }
    }
  }

  async #ask(remote: Remote, reference: string, wantsContent: boolean): Promise<Descriptor> {
    this.#checkMissing(remote, reference)
    const descriptor = await this.#resolve(remote, reference)
    const here = this.#context.storage.repository(remote.name)
    if (wantsContent && !here.describe(descriptor.digest)) {
      await this.#fetching.get(keyOf(remote, descriptor.digest), () => this.#fetch(remote, descriptor))
    }
    if (!isDigest(reference)) await this.#name(remote, reference, descriptor.digest)
    return descriptor
  }

  /** What was not there a moment ago is not asked for again, nor anything while the upstream wants to be left alone. */
  #checkMissing(remote: Remote, reference: string): void {
    if (this.#missing.get(keyOf(remote, reference))) throw refuse('MANIFEST_UNKNOWN', 'manifest unknown')
    const pause = remote.upstream.paused()
    if (pause?.kind === 'busy') throw tooManyRequests(remote.upstream.name, pause.left)
  }

  async #resolve(remote: Remote, reference: string): Promise<Descriptor> {
    const key = keyOf(remote, reference)
    const told = isDigest(reference)
      ? (namedHere(this.#context, remote, reference, 'manifest') ?? this.#described.get(key))
      : this.#tags.get(key)
    if (told) return told
    return this.#resolving.get(key, async () => {
      const descriptor = await ask(remote, (repository) => repository.resolve(reference, this.#context.job))
      const { freshFor } = remote.upstream
      if (!isDigest(reference)) this.#tags.set(key, descriptor, freshFor)
      this.#told.set(key, descriptor, REMEMBERED)
      this.#described.set(keyOf(remote, descriptor.digest), descriptor, Math.max(freshFor, 60_000))
      return descriptor
    })
  }

  async #fetch(remote: Remote, descriptor: Descriptor): Promise<void> {
    const { storage, job, log } = this.#context
    const { digest } = descriptor
    const tooLarge = (): Error => fail('MANIFEST_INVALID', `manifest ${digest} is too large`)
    const bytes = await ask(remote, (repository) =>
      collectBytes(repository.read(descriptor, undefined, job), LIMITS.manifestBytes, tooLarge),
    )
    const document = parseImageDocument(bytes, descriptor.mediaType)
    const { mediaType } = document
    const options = { by: PROXY, isPartial: true }
    const tags = this.#unnamed.get(keyOf(remote, digest)) ?? []
    await storage.repository(remote.name).putManifest({ digest, mediaType, bytes, document }, tags, options)
    log(`${remote.name}@${digest}: manifest fetched`)
  }

  /** Gives a manifest the tag it has upstream; one that is not here gets it when it comes. */
  async #name(remote: Remote, tag: string, digest: Digest): Promise<void> {
    const here = this.#context.storage.repository(remote.name)
    if (here.describe(tag)?.digest === digest) return
    const manifest = here.manifest(digest)
    if (!manifest) {
      const key = keyOf(remote, digest)
      const tags = this.#unnamed.get(key) ?? []
      this.#unnamed.set(key, [...new Set([tag, ...tags])].slice(0, MOST_TAGS), UNNAMED)
      return
    }
    const document = parseImageDocument(manifest.bytes, manifest.mediaType)
    await here.putManifest({ ...manifest, document }, [tag], { by: PROXY, isPartial: true })
  }

  /** What is here serves when the upstream fails; when it says that there is no such thing, nothing does. */
  async #fallBack(
    remote: Remote,
    reference: string,
    known: Descriptor | undefined,
    error: unknown,
  ): Promise<Descriptor> {
    const kind = kindOf(error)
    if (kind === 'missing') {
      this.#missing.set(keyOf(remote, reference), true, remote.upstream.missingFor)
      this.#told.delete(keyOf(remote, reference))
      if (known) await this.#context.storage.repository(remote.name).deleteTag(reference, { by: PROXY })
    }
    if (!known || !mayBeStale(error)) throw failureFor(error, remote.upstream.name, 'manifest')
    remote.upstream.counters.stale++
    return known
  }
}
