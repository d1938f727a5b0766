import { type Digest, fail, hasCode, type Job } from '../../core/index.ts'
import { type Descriptor, isIndexType, isManifestType, readImageDocument } from '../../oci/index.ts'
import { copyImage } from '../../transfer/index.ts'
import { mounting, type OpenSource, type OpenTarget } from './open.ts'

/** Manifests, and what refers to them, of one image. */
const MOST = 10_000

/** What signers add to the tag of a digest where they do not use `subject` (cosign). */
const SUFFIXES = ['.sig', '.att', '.sbom']

/**
 * Copies what refers to an image that was copied, and to its platforms, and what refers to that: signatures, SBOMs.
 * Found by `subject`, by the tag that stands for missing referrers lists (distribution spec, "Referrers Tag Schema"),
 * and by the tags of cosign. Answers with how many there were.
 */
export async function copyReferrers(
  source: OpenSource,
  target: OpenTarget,
  root: Descriptor,
  job: Job,
): Promise<number> {
  const work = new Referrers(source, target, job)
  await work.follow(root)
  return work.copied
}

class Referrers {
  readonly #source: OpenSource
  readonly #target: OpenTarget
  readonly #job: Job
  readonly #seen = new Set<Digest>()
  copied = 0

  constructor(source: OpenSource, target: OpenTarget, job: Job) {
    this.#source = source
    this.#target = target
    this.#job = job
  }

  async follow(root: Descriptor): Promise<void> {
    const queue = [root]
    this.#seen.add(root.digest)
    for (const subject of queue) {
      const found = [...(await this.#children(subject)), ...(await this.#referrersOf(subject))]
      for (const descriptor of found) {
        if (this.#seen.has(descriptor.digest)) continue
        this.#seen.add(descriptor.digest)
        if (this.#seen.size > MOST) throw fail('MANIFEST_INVALID', 'too many manifests refer to the image')
        queue.push(descriptor)
      }
      await this.#copyTagged(subject)
    }
  }

  /** The images of an index, as far as they were copied: they have referrers of their own. */
  async #children(descriptor: Descriptor): Promise<readonly Descriptor[]> {
    if (!isIndexType(descriptor.mediaType)) return []
    const { document } = await readImageDocument(this.#source.from, descriptor, this.#job)
    const entries = document.kind === 'index' ? document.index.manifests : []
    const there: Descriptor[] = []
    for (const entry of entries) {
      const isDocument = isManifestType(entry.mediaType) || isIndexType(entry.mediaType)
      if (isDocument && (await this.#source.from.has(entry, this.#job))) there.push(entry)
    }
    return there
  }

  async #referrersOf(subject: Descriptor): Promise<Descriptor[]> {
    const found = new Map<Digest, Descriptor>()
    for await (const referrer of this.#source.from.referrers(subject, undefined, this.#job)) {
      found.set(referrer.digest, referrer)
      if (found.size > MOST) throw fail('MANIFEST_INVALID', 'too many manifests refer to the image')
    }
    for (const referrer of await this.#listedByTag(subject)) found.set(referrer.digest, referrer)
    for (const { digest } of found.values()) {
      if (!this.#seen.has(digest)) await this.#copy(digest)
    }
    return [...found.values()]
  }

  async #listedByTag(subject: Descriptor): Promise<readonly Descriptor[]> {
    const list = await this.#resolve(fallbackTag(subject.digest))
    if (!list || !isIndexType(list.mediaType)) return []
    return this.#children(list)
  }

  async #copyTagged(subject: Descriptor): Promise<void> {
    for (const suffix of SUFFIXES) {
      const tag = fallbackTag(subject.digest) + suffix
      const [found, as] = [await this.#resolve(tag), this.#target.sibling(tag)]
      if (found && as !== undefined) await this.#copy(found.digest, as)
    }
  }

  async #resolve(tag: string): Promise<Descriptor | undefined> {
    const name = this.#source.sibling(tag)
    if (name === undefined) return undefined
    try {
      return await this.#source.from.resolve(name, this.#job)
    } catch (error) {
      if (hasCode(error, 'IMAGE_NOT_FOUND')) return undefined
      throw error
    }
  }

  async #copy(ref: string, as?: string): Promise<void> {
    const mount = mounting(this.#source, this.#target)
    const options = { ref, select: this.#source.all, ...mount, ...(as === undefined ? {} : { as }) }
    await copyImage(this.#source.from, this.#target.to, options, this.#job)
    this.copied++
  }
}

/** Distribution spec, "Referrers Tag Schema": at most 32 characters of the algorithm and 64 of the rest. */
function fallbackTag(digest: Digest): string {
  const [algorithm = '', encoded = ''] = digest.split(':', 2)
  return `${algorithm.slice(0, 32)}-${encoded.slice(0, 64)}`.replace(/[^A-Za-z0-9_.-]/g, '-')
}
