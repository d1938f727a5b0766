import {
  type ByteRange,
  type Bytes,
  bytesOf,
  checkCanceled,
  type Digest,
  type Job,
  silentJob,
  verified,
} from '../core/index.ts'
import {
  type Descriptor,
  type ImageTarget,
  isIndexType,
  isManifestType,
  parseImageDocument,
  referrerEntry,
} from '../oci/index.ts'
import { noContent, noImage } from './missing.ts'

/** Images in memory: for tests, and for small things on their way. */
export class MemoryRepository implements ImageTarget {
  readonly #contents = new Map<Digest, { descriptor: Descriptor; bytes: Buffer }>()
  readonly #tags = new Map<string, Descriptor>()

  async resolve(tagOrDigest: string): Promise<Descriptor> {
    const found = this.#tags.get(tagOrDigest) ?? this.#contents.get(tagOrDigest as Digest)?.descriptor
    if (found && isDocument(found)) return found
    throw noImage(tagOrDigest)
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    return this.#contents.has(descriptor.digest)
  }

  async *read(descriptor: Descriptor, range?: ByteRange, job: Job = silentJob): Bytes {
    checkCanceled(job)
    const bytes = this.#contents.get(descriptor.digest)?.bytes
    if (!bytes) throw noContent(descriptor)
    if (range) yield bytes.subarray(range.start, range.end)
    else yield* verified(bytesOf(bytes), descriptor)
  }

  async *tags(): AsyncIterable<string> {
    yield* [...this.#tags.keys()].sort()
  }

  async *referrers(subject: Descriptor, artifactType?: string): AsyncIterable<Descriptor> {
    for (const { descriptor, bytes } of this.#contents.values()) {
      if (!isDocument(descriptor)) continue
      const document = parseImageDocument(bytes, descriptor.mediaType)
      const entry = referrerEntry(document, descriptor, subject.digest, artifactType)
      if (entry) yield entry
    }
  }

  async write(descriptor: Descriptor, body: Bytes, _options?: object, job: Job = silentJob): Promise<void> {
    if (this.#contents.has(descriptor.digest)) return
    const chunks: Buffer[] = []
    for await (const chunk of verified(body, descriptor)) {
      checkCanceled(job)
      chunks.push(Buffer.from(chunk))
    }
    const { mediaType, digest, size } = descriptor
    this.#contents.set(digest, { descriptor: { mediaType, digest, size }, bytes: Buffer.concat(chunks) })
  }

  async tag(name: string, descriptor: Descriptor): Promise<void> {
    const content = this.#contents.get(descriptor.digest)
    if (!content) throw noContent(descriptor)
    this.#tags.set(name, content.descriptor)
  }

  async untag(name: string): Promise<void> {
    if (!this.#tags.delete(name)) throw noImage(name)
  }
}

function isDocument({ mediaType }: Descriptor): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType)
}
