import {
  type ByteRange,
  type Bytes,
  checkCanceled,
  collectBytes,
  type Digest,
  fail,
  hasCode,
  isDigest,
  type Job,
  silentJob,
  verified,
} from '../core/index.ts'
import {
  type Descriptor,
  type ImageDocument,
  type ImageSource,
  isIndexType,
  isManifestType,
  LIMITS,
  parseImageDocument,
  readImageDocument,
  referrerEntry,
} from '../oci/index.ts'
import { findByName, nameOf } from './layout-names.ts'
import { noContent, noImage } from './missing.ts'

/** Something that holds blobs by digest and lists its images as the `index.json` of an OCI layout does. */
export interface Layout {
  entries(): Promise<readonly Descriptor[]>
  /** Bytes of a blob, or `undefined` when it is not there. */
  size(digest: Digest): Promise<number | undefined>
  bytes(digest: Digest, range: ByteRange, job: Job): Bytes
}

/** An image of a folder or archive. */
export interface ListedImage {
  readonly descriptor: Descriptor
  /** Whole names (`docker.io/library/busybox:1`), or a bare tag (`1`) when the layout says no more; perhaps none. */
  readonly names: readonly string[]
}

/** How many documents are looked at for referrers. */
const MAX_VISITED = 20_000

/** The reading half of OCI folders and of image archives. */
export class LayoutReader implements ImageSource {
  readonly #layout: Layout

  constructor(layout: Layout) {
    this.#layout = layout
  }

  async resolve(tagOrDigest: string, job: Job = silentJob): Promise<Descriptor> {
    checkCanceled(job)
    const entries = await this.#layout.entries()
    const wanted = isDigest(tagOrDigest) ? tagOrDigest : undefined
    const found = wanted
      ? (entries.find((entry) => entry.digest === wanted) ?? (await this.#unlisted(wanted, job)))
      : findByName(entries, tagOrDigest)
    if (!found) throw noImage(tagOrDigest)
    const { mediaType, digest, size } = found
    return { mediaType, digest, size }
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    return (await this.#layout.size(descriptor.digest)) === descriptor.size
  }

  async *read(descriptor: Descriptor, range?: ByteRange, job: Job = silentJob): Bytes {
    checkCanceled(job)
    const size = await this.#layout.size(descriptor.digest)
    if (size === undefined) throw noContent(descriptor)
    const bytes = this.#layout.bytes(descriptor.digest, range ?? { start: 0 }, job)
    yield* range ? bytes : verified(bytes, descriptor)
  }

  /** All images, in the order of their list. */
  async images(): Promise<ListedImage[]> {
    const images = new Map<Digest, { descriptor: Descriptor; names: string[] }>()
    for (const entry of await this.#layout.entries()) {
      const { mediaType, digest, size } = entry
      const image = images.get(digest) ?? { descriptor: { mediaType, digest, size }, names: [] }
      images.set(digest, image)
      const name = nameOf(entry)
      if (name !== undefined && !image.names.includes(name)) image.names.push(name)
    }
    return [...images.values()]
  }

  async *tags(): AsyncIterable<string> {
    const names = (await this.#layout.entries()).flatMap((entry) => nameOf(entry) ?? [])
    yield* [...new Set(names)].sort()
  }

  async *referrers(subject: Descriptor, artifactType?: string, job: Job = silentJob): AsyncIterable<Descriptor> {
    for await (const { descriptor, document } of this.walk(await this.#layout.entries(), job)) {
      const entry = referrerEntry(document, descriptor, subject.digest, artifactType)
      if (entry) yield entry
    }
  }

  /** All manifests and indexes that these lead to and that are here, each once. */
  async *walk(
    roots: readonly Descriptor[],
    job: Job,
  ): AsyncIterable<{ descriptor: Descriptor; document: ImageDocument }> {
    const queue = roots.map((descriptor) => ({ descriptor, depth: 0 }))
    const seen = new Set<Digest>()
    for (const { descriptor, depth } of queue) {
      if (seen.size === MAX_VISITED) return
      if (seen.has(descriptor.digest) || !isDocument(descriptor) || !(await this.has(descriptor))) continue
      seen.add(descriptor.digest)
      const { document } = await readImageDocument(this, descriptor, job)
      yield { descriptor, document }
      if (document.kind !== 'index' || depth >= LIMITS.indexDepth) continue
      for (const child of document.index.manifests) queue.push({ descriptor: child, depth: depth + 1 })
    }
  }

  /** A manifest that is among the blobs, though `index.json` does not say so. */
  async #unlisted(digest: Digest, job: Job): Promise<Descriptor | undefined> {
    const size = await this.#layout.size(digest)
    if (size === undefined || size > LIMITS.manifestBytes) return undefined
    const bytes = await collectBytes(this.read({ mediaType: '', digest, size }, undefined, job), size, () =>
      fail('JSON_INVALID', 'manifest is larger than its file'),
    )
    try {
      return { mediaType: parseImageDocument(bytes).mediaType, digest, size }
    } catch (error) {
      if (hasCode(error, 'JSON_INVALID', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED')) return undefined
      throw error
    }
  }
}

function isDocument({ mediaType }: Descriptor): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType)
}
