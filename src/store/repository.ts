import { rmSync } from 'node:fs'
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
import type { Compression } from '../layer/index.ts'
import {
  type Body,
  type Descriptor,
  type ImageTarget,
  isIndexType,
  isLayerType,
  isManifestType,
  LIMITS,
  parseImageDocument,
  referrerEntry,
  subjectOf,
} from '../oci/index.ts'
import { continued } from './continued.ts'
import { copyCompressed } from './copy-compressed.ts'
import type { LayerRecord } from './layers.ts'
import type { Lease } from './leases.ts'
import type { Store } from './store.ts'

/**
 * The store as a place that images are copied from and to. Names are full names (`docker.io/library/nginx:latest`).
 * What is written is held by the lease until `tag` makes it an image.
 */
export function openRepository(store: Store, lease: Lease): ImageTarget {
  return new StoreRepository(store, lease)
}

class StoreRepository implements ImageTarget {
  readonly #store: Store
  readonly #lease: Lease

  constructor(store: Store, lease: Lease) {
    this.#store = store
    this.#lease = lease
  }

  async resolve(name: string): Promise<Descriptor> {
    const found = this.#store.images.find(name)
    if (found) return found.image.descriptor
    const described = isDigest(name) ? this.#describe(name) : undefined
    if (described) return described
    throw fail('IMAGE_NOT_FOUND', `No such image: ${name}`)
  }

  /** A manifest that is no image of its own: a platform of an index, a signature. */
  #describe(digest: Digest): Descriptor | undefined {
    const size = this.#store.blobs.size(digest)
    if (size === undefined || size > LIMITS.manifestBytes) return undefined
    try {
      const { mediaType } = parseImageDocument(this.#store.blobs.readWhole(digest))
      return { mediaType, digest, size }
    } catch (error) {
      if (hasCode(error, 'JSON_INVALID', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED')) return undefined
      throw error
    }
  }

  async has(descriptor: Descriptor): Promise<boolean> {
    this.#lease.hold([descriptor.digest])
    if (!isLayerType(descriptor.mediaType)) return this.#store.blobs.size(descriptor.digest) === descriptor.size
    return this.#hasLayer(descriptor)
  }

  read(descriptor: Descriptor, range?: ByteRange, job?: Job): Bytes {
    const bytes = this.#store.blobs.read(descriptor.digest, range, job)
    return range ? bytes : verified(bytes, descriptor)
  }

  async write(descriptor: Descriptor, body: Body, _options = {}, job: Job = silentJob): Promise<void> {
    this.#lease.hold([descriptor.digest])
    const { mediaType } = descriptor
    const isDocument = isManifestType(mediaType) || isIndexType(mediaType)
    if (body.from && !isDocument) return this.#receive(descriptor, (offset) => body.from!(offset), job)
    const checked = verified(body, descriptor)
    if (isLayerType(mediaType)) return this.#writeLayer(descriptor, checked, job)
    if (isDocument) {
      const tooLarge = (): Error => fail('MANIFEST_INVALID', `manifest ${descriptor.digest} is too large`)
      const bytes = await collectBytes(checked, LIMITS.manifestBytes, tooLarge)
      this.#writeManifest(descriptor, bytes)
      return
    }
    const { path, size } = await this.#store.blobs.writeTemporary(checked, this.#lease, job)
    this.#store.blobs.adopt(path, descriptor.digest, size, this.#lease)
  }

  async tag(name: string, descriptor: Descriptor): Promise<void> {
    this.#store.images.put(descriptor, [name])
  }

  async untag(name: string): Promise<void> {
    if (!this.#store.images.untag(name)) throw fail('IMAGE_NOT_FOUND', `No such image: ${name}`)
  }

  async *tags(): AsyncIterable<string> {
    for (const image of this.#store.images.list()) yield* image.names
  }

  async *referrers(subject: Descriptor, artifactType?: string): AsyncIterable<Descriptor> {
    const all = this.#store.referrers.list(subject.digest)
    yield* all.filter((entry) => artifactType === undefined || entry.artifactType === artifactType)
  }

  #writeManifest(descriptor: Descriptor, bytes: Buffer): void {
    const { mediaType } = descriptor
    const document = parseImageDocument(bytes, mediaType)
    this.#store.blobs.writeWhole(bytes, this.#lease, descriptor.digest)
    this.#store.images.link(descriptor.digest, document)
    const subject = subjectOf(document)?.digest
    const entry = subject && referrerEntry(document, descriptor, subject)
    if (entry) this.#store.referrers.add(subject, entry)
  }

  #hasLayer({ digest, size }: Descriptor): boolean {
    const { blobs, layers } = this.#store
    const diffId = layers.get(digest) ? digest : layers.diffIdOf(digest)
    if (diffId === undefined) return false
    this.#lease.hold([diffId])
    return blobs.size(digest) === size && layers.get(diffId) !== undefined
  }

  /**
   * Brings a blob that can be asked for piece by piece: goes on where an earlier attempt ended, one process at a time.
   * Whoever had to wait finds it here afterwards.
   */
  async #receive(descriptor: Descriptor, from: (offset: number) => Bytes, job: Job): Promise<void> {
    const { digest, size } = descriptor
    const { transfers, blobs } = this.#store
    const tellWaiting = (): void => job.progress({ type: 'status', task: digest, text: 'Waiting for another download' })
    await using _claim = await transfers.claim(digest, tellWaiting, job)
    if (await this.has(descriptor)) return
    using partial = transfers.open(descriptor)
    const isKept = await continued(partial, descriptor, { from, take: (bytes) => this.#take(descriptor, bytes, job) })
    if (!isKept) return partial.remove()
    partial.sync()
    blobs.adopt(partial.path, digest, size, this.#lease)
  }

  /** Whether the bytes are to be kept as they came, too: a plain layer is a blob already. */
  async #take(descriptor: Descriptor, bytes: Bytes, job: Job): Promise<boolean> {
    if (isLayerType(descriptor.mediaType)) {
      return (await this.#importLayer(descriptor, bytes, job)).diffId !== descriptor.digest
    }
    for await (const _ of bytes) checkCanceled(job)
    return true
  }

  /** A compressed layer is kept twice on purpose: as it came, because its digest is its name elsewhere, and as a plain tar. */
  async #writeLayer(descriptor: Descriptor, body: Bytes, job: Job): Promise<void> {
    const { digest, size } = descriptor
    const { blobs } = this.#store
    const copy = blobs.temporary(this.#lease)
    try {
      const { diffId } = await this.#importLayer(descriptor, copyCompressed(body, copy), job)
      if (diffId !== digest) blobs.adopt(copy, digest, size, this.#lease)
    } finally {
      rmSync(copy, { force: true })
    }
  }

  async #importLayer(descriptor: Descriptor, bytes: Bytes, job: Job): Promise<LayerRecord> {
    const options = { lease: this.#lease, task: descriptor.digest, digest: descriptor.digest }
    const { record, compression } = await this.#store.layers.import(bytes, options, job)
    const stated = statedCompression(descriptor.mediaType)
    if (stated !== undefined && stated !== compression) {
      const message = `layer ${descriptor.digest} has compression ${compression}, and its media type says ${stated}`
      job.progress({ type: 'warning', task: descriptor.digest, code: 'LAYER_MEDIA_TYPE', message })
    }
    return record
  }
}

/** What a media type says of a layer's compression; bytes are believed more. `undefined` when it is a type of its own. */
function statedCompression(mediaType: string): Compression | undefined {
  if (/\.(tar|diff\.tar)$/.test(mediaType)) return 'none'
  const suffix = /[.+](gzip|zstd)$/.exec(mediaType)?.[1]
  return suffix as Compression | undefined
}
