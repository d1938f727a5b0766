import {
  type ByteRange,
  type Bytes,
  bytesOf,
  collectBytes,
  type Digest,
  fail,
  type Job,
  OncePerKey,
  silentJob,
  verified,
} from '../core/index.ts'
import { type Descriptor, type ImageTarget, isConfigType, isIndexType, isManifestType, LIMITS } from '../oci/index.ts'
import { withName, withoutName, withUnnamed } from './layout-names.ts'
import { type Layout, LayoutReader } from './layout-reader.ts'
import { noContent, noImage } from './missing.ts'
import { stoppable } from './stoppable.ts'

/** Takes a blob into the archive, after those it took before; ends when the blob is in. */
export type BlobSink = (descriptor: Descriptor, body: Bytes) => Promise<void>

/** A manifest, index or config that went into an archive. */
export interface ArchivedDocument {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

/**
 * An archive that is being written. Layers that went into it are gone; manifests, indexes and configs are kept, for
 * the lists at the archive's end, and can be read again.
 */
export class ArchiveTarget extends LayoutReader implements ImageTarget {
  readonly #outgoing: Outgoing
  readonly #sink: BlobSink
  readonly #spell: (name: string) => string
  readonly #once = new OncePerKey<Digest, void>()

  /** `spell` gives names the form in which this kind of archive keeps them. */
  constructor(sink: BlobSink, spell: (name: string) => string) {
    const outgoing = new Outgoing()
    super(outgoing)
    this.#outgoing = outgoing
    this.#sink = sink
    this.#spell = spell
  }

  /** Images with their names, in the order in which these were given, as `index.json` lists them. */
  get named(): readonly Descriptor[] {
    return this.#outgoing.named
  }

  /** What was kept, in the order in which it came. */
  get documents(): ReadonlyMap<Digest, ArchivedDocument> {
    return this.#outgoing.documents
  }

  write(descriptor: Descriptor, body: Bytes, _options?: object, job: Job = silentJob): Promise<void> {
    return this.#once.get(descriptor.digest, () => this.#write(descriptor, body, job))
  }

  async tag(name: string, descriptor: Descriptor): Promise<void> {
    if (!(await this.has(descriptor))) throw noContent(descriptor)
    const { named } = this.#outgoing
    // a digest says which image is meant, but is no name for it
    const isName = name !== descriptor.digest
    this.#outgoing.named = isName ? withName(named, this.#spell(name), descriptor) : withUnnamed(named, descriptor)
  }

  async untag(name: string): Promise<void> {
    const found = withoutName(this.#outgoing.named, this.#spell(name))
    if (!found) throw noImage(name)
    this.#outgoing.named = found.entries
  }

  async #write(descriptor: Descriptor, body: Bytes, job: Job): Promise<void> {
    const content = stoppable(verified(body, descriptor), job)
    if (!isDocument(descriptor)) await this.#sink(descriptor, content)
    else {
      const tooLarge = (): Error =>
        fail('JSON_INVALID', `${descriptor.mediaType} is larger than ${LIMITS.configBytes} bytes`)
      const bytes = await collectBytes(content, LIMITS.configBytes, tooLarge)
      await this.#sink(descriptor, bytesOf(bytes))
      this.#outgoing.documents.set(descriptor.digest, { descriptor, bytes })
    }
    this.#outgoing.sizes.set(descriptor.digest, descriptor.size)
  }
}

class Outgoing implements Layout {
  readonly sizes = new Map<Digest, number>()
  readonly documents = new Map<Digest, ArchivedDocument>()
  named: readonly Descriptor[] = []

  async entries(): Promise<readonly Descriptor[]> {
    return this.named
  }

  async size(digest: Digest): Promise<number | undefined> {
    return this.sizes.get(digest)
  }

  async *bytes(digest: Digest, { start, end }: ByteRange): Bytes {
    const document = this.documents.get(digest)
    if (!document) throw fail('BLOB_NOT_FOUND', `content ${digest} has left for the archive and cannot be read again`)
    yield document.bytes.subarray(start, end)
  }
}

function isDocument({ mediaType }: Descriptor): boolean {
  return isManifestType(mediaType) || isIndexType(mediaType) || isConfigType(mediaType)
}
