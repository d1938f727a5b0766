import { type ByteRange, type Bytes, bytesOf, type Digest, fail, type Job, silentJob } from '../../core/index.ts'
import {
  type Descriptor,
  type ImageSource,
  type Index,
  isAttestation,
  isImageManifest,
  isIndexType,
  isManifestType,
  LIMITS,
  type Manifest,
  MEDIA,
  nestedTooDeep,
  readImageDocument,
  type WrittenDocument,
  writeIndex,
  writeManifest,
} from '../../oci/index.ts'
import { MemoryRepository } from '../../transfer/index.ts'

/** Whose media types an image has: OCI's, or those of Docker's manifest v2, schema 2. */
export type ManifestFormat = 'oci' | 'docker'

/** OCI's types and Docker's, by what they are. */
const PAIRS: readonly (readonly [oci: string, docker: string])[] = [
  [MEDIA.ociConfig, MEDIA.dockerConfig],
  [MEDIA.ociLayer, MEDIA.dockerLayer],
  [MEDIA.ociLayerGzip, MEDIA.dockerLayerGzip],
  [MEDIA.ociLayerZstd, MEDIA.dockerLayerZstd],
  [MEDIA.ociManifest, MEDIA.dockerManifest],
  [MEDIA.ociIndex, MEDIA.dockerList],
]

/**
 * The image with the media types of a format: other manifests over the same layers. Attestations and the like, which
 * Docker's format does not know, stay as they are. Annotations are lost in Docker's format, which has no room for them.
 */
export async function convertImage(
  from: ImageSource,
  { root, format }: { root: Descriptor; format: ManifestFormat },
  job: Job,
): Promise<{ from: ImageSource; root: Descriptor }> {
  const made = new MemoryRepository()
  const converted = await new Converter(from, made, format, job).convert(root, 0)
  return { from: new Overlay(made, from), root: converted }
}

class Converter {
  readonly #from: ImageSource
  readonly #made: MemoryRepository
  readonly #format: ManifestFormat
  readonly #job: Job
  readonly #done = new Map<Digest, Descriptor>()

  constructor(from: ImageSource, made: MemoryRepository, format: ManifestFormat, job: Job) {
    this.#from = from
    this.#made = made
    this.#format = format
    this.#job = job
  }

  async convert(descriptor: Descriptor, depth: number): Promise<Descriptor> {
    if (depth > LIMITS.indexDepth) throw nestedTooDeep()
    const known = this.#done.get(descriptor.digest)
    if (known) return this.#entry(descriptor, known)
    const { document } = await readImageDocument(this.#from, descriptor, this.#job)
    const written =
      document.kind === 'index'
        ? await this.#index(document.index, descriptor.mediaType, depth)
        : this.#manifest(document.manifest, descriptor.mediaType)
    if (!written) return descriptor
    await this.#made.write(written.descriptor, bytesOf(written.bytes))
    this.#done.set(descriptor.digest, written.descriptor)
    return this.#entry(descriptor, written.descriptor)
  }

  /** What an index says of a manifest, of what that became. */
  #entry(old: Descriptor, { mediaType, digest, size }: Descriptor): Descriptor {
    return { ...this.#plain(old), mediaType, digest, size }
  }

  /** Nothing for an index that has this format already. */
  async #index(index: Index, mediaType: string, depth: number): Promise<WrittenDocument | undefined> {
    const manifests: Descriptor[] = []
    for (const entry of index.manifests) {
      const isDocument = isManifestType(entry.mediaType) || isIndexType(entry.mediaType)
      const there = isDocument && !isAttestation(entry) && (await this.#from.has(entry, this.#job))
      manifests.push(there ? await this.convert(entry, depth + 1) : entry)
    }
    const isSame = manifests.every((entry, i) => entry.digest === index.manifests[i]!.digest)
    if (isSame && mediaType === this.#typeOf(MEDIA.ociIndex)) return undefined
    // statements name the manifest that they are about
    const about = manifests.map((entry) => this.#aboutNew(entry))
    return writeIndex({ ...this.#plain(index), mediaType: this.#typeOf(MEDIA.ociIndex), manifests: about })
  }

  #aboutNew(entry: Descriptor): Descriptor {
    const subject = entry.annotations?.['vnd.docker.reference.digest']
    const now = subject === undefined ? undefined : this.#done.get(subject as Digest)
    if (!now) return entry
    return { ...entry, annotations: { ...entry.annotations, 'vnd.docker.reference.digest': now.digest } }
  }

  /** Nothing for what is no image, or has this format already. */
  #manifest(manifest: Manifest, mediaType: string): WrittenDocument | undefined {
    if (!isImageManifest(manifest)) return undefined
    const types = [manifest.config, ...manifest.layers].map((each) => each.mediaType)
    if ([mediaType, ...types].every((type) => type === this.#typeOf(type))) return undefined
    const retyped = (descriptor: Descriptor): Descriptor => ({
      ...this.#plain(descriptor),
      mediaType: this.#typeOf(descriptor.mediaType),
    })
    return writeManifest({
      ...this.#plain(manifest),
      mediaType: this.#typeOf(MEDIA.ociManifest),
      config: retyped(manifest.config),
      layers: manifest.layers.map(retyped),
    })
  }

  /** Without annotations where the format has none. */
  #plain<T extends { readonly annotations?: unknown }>(value: T): T {
    if (this.#format === 'oci') return value
    const { annotations: _, ...rest } = value
    return rest as T
  }

  #typeOf(mediaType: string): string {
    const pair = PAIRS.find((each) => each.includes(mediaType))
    if (pair) return this.#format === 'oci' ? pair[0] : pair[1]
    throw fail('PLACE_UNSUPPORTED', `content of type ${mediaType.slice(0, 200)} has no other format`)
  }
}

/** Some documents in front of a place that has the rest. */
class Overlay implements ImageSource {
  readonly #made: MemoryRepository
  readonly #from: ImageSource

  constructor(made: MemoryRepository, from: ImageSource) {
    this.#made = made
    this.#from = from
  }

  async resolve(name: string, job: Job = silentJob): Promise<Descriptor> {
    return this.#made.resolve(name).catch(() => this.#from.resolve(name, job))
  }

  async has(descriptor: Descriptor, job: Job = silentJob): Promise<boolean> {
    return (await this.#made.has(descriptor)) || (await this.#from.has(descriptor, job))
  }

  async *read(descriptor: Descriptor, range?: ByteRange, job: Job = silentJob): Bytes {
    const isMade = await this.#made.has(descriptor)
    yield* isMade ? this.#made.read(descriptor, range, job) : this.#from.read(descriptor, range, job)
  }

  tags(job: Job = silentJob): AsyncIterable<string> {
    return this.#from.tags(job)
  }

  referrers(subject: Descriptor, artifactType?: string, job: Job = silentJob): AsyncIterable<Descriptor> {
    return this.#from.referrers(subject, artifactType, job)
  }
}
