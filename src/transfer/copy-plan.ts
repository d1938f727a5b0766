import { type Digest, fail, type Job, mapLimit } from '../core/index.ts'
import {
  checkImage,
  type Descriptor,
  formatPlatform,
  type ImageConfig,
  type ImageSource,
  type Index,
  isImageManifest,
  LIMITS,
  type Manifest,
  matchesPlatform,
  nestedTooDeep,
  type Platform,
  readConfig,
  readImageDocument,
  selectManifest,
} from '../oci/index.ts'
import { sideOf } from './side.ts'

/**
 * Which images of an index are wanted: one platform's in place of the index, the index with no other images than one
 * platform's and what is attached to that, all, or those that the source really has.
 */
export type Selection = Platform | { readonly onlyFor: Platform } | 'all' | 'available'

/** A manifest, index or image config, already read and checked. */
export interface PlannedDocument {
  readonly kind: 'config' | 'manifest' | 'index'
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

/** All that belongs to an image, in the order in which a target must get it. */
export interface CopyPlan {
  /** What the copy is: the index, or the manifest that was chosen from it. */
  readonly root: Descriptor
  /** Layers and other leaves, each once, from the bottom of the first image up. */
  readonly blobs: readonly Descriptor[]
  /** Each once, children before parents; the last one is the root. */
  readonly documents: readonly PlannedDocument[]
}

/** How many manifests of an index are read at once. */
const READS_AT_ONCE = 4
/** Documents are held in memory until they are written. */
const MAX_DOCUMENTS = 20_000
const MAX_DOCUMENT_BYTES = 256 << 20

/**
 * Reads and checks all manifests and configs that `root` leads to; no layer is touched. What is in the plan fits
 * together: media types, sizes, digests, and the number of layers.
 */
export async function planCopy(
  from: ImageSource,
  options: { root: Descriptor; selection: Selection },
  job: Job,
): Promise<CopyPlan> {
  const planner = new Planner(from, job)
  const { selection } = options
  const keepsIndex = typeof selection === 'string' || 'onlyFor' in selection
  const root = keepsIndex ? options.root : await planner.choose(options.root, selection)
  await planner.visit(root, selection, 0)
  return planner.plan(root)
}

interface Node {
  readonly document: PlannedDocument
  readonly blobs: readonly Descriptor[]
  readonly children: readonly Descriptor[]
}

class Planner {
  readonly #from: ImageSource
  readonly #job: Job
  readonly #nodes = new Map<Digest, Node | undefined>()
  #bytes = 0

  constructor(from: ImageSource, job: Job) {
    this.#from = from
    this.#job = job
  }

  /** The manifest for a platform, down from an index. */
  async choose(root: Descriptor, platform: Platform): Promise<Descriptor> {
    let descriptor = root
    for (let depth = 0; depth <= LIMITS.indexDepth; depth++) {
      const { document } = await this.#readDocument(descriptor)
      if (document.kind === 'manifest') return descriptor
      descriptor = selectManifest(document.index, platform)
    }
    throw nestedTooDeep()
  }

  async visit(descriptor: Descriptor, selection: Selection, depth: number): Promise<void> {
    if (depth > LIMITS.indexDepth) throw nestedTooDeep()
    if (this.#nodes.has(descriptor.digest)) return
    this.#nodes.set(descriptor.digest, undefined)
    const { bytes, document } = await this.#readDocument(descriptor)
    if (document.kind === 'manifest') {
      const node = await this.#manifest(descriptor, document.manifest, bytes, selection)
      this.#keep(node)
      return
    }
    const children = await this.#wantedChildren(document.index, selection)
    this.#keep({ document: { kind: 'index', descriptor, bytes }, blobs: [], children })
    await mapLimit(children, READS_AT_ONCE, (child) => this.visit(child, selection, depth + 1))
  }

  plan(root: Descriptor): CopyPlan {
    const blobs = new Map<Digest, Descriptor>()
    const documents = new Map<Digest, PlannedDocument>()
    const add = (descriptor: Descriptor): void => {
      const node = this.#nodes.get(descriptor.digest)
      if (!node || documents.has(descriptor.digest)) return
      for (const child of node.children) add(child)
      for (const blob of node.blobs) if (!blobs.has(blob.digest)) blobs.set(blob.digest, blob)
      documents.set(descriptor.digest, node.document)
    }
    add(root)
    for (const digest of documents.keys()) blobs.delete(digest)
    return { root, blobs: [...blobs.values()], documents: [...documents.values()] }
  }

  async #manifest(descriptor: Descriptor, manifest: Manifest, bytes: Buffer, selection: Selection): Promise<Node> {
    const document: PlannedDocument = { kind: 'manifest', descriptor, bytes }
    if (!isImageManifest(manifest)) return { document, blobs: [manifest.config, ...manifest.layers], children: [] }
    const { bytes: text, config } = await sideOf('source', 'read the config', () =>
      readConfig(this.#from, manifest.config, this.#job),
    )
    checkImage(manifest, config)
    if (typeof selection !== 'string') {
      this.#warnOfPlatform(config, 'onlyFor' in selection ? selection.onlyFor : selection)
    }
    this.#keep({ document: { kind: 'config', descriptor: manifest.config, bytes: text }, blobs: [], children: [] })
    return { document, blobs: manifest.layers, children: [manifest.config] }
  }

  async #wantedChildren(index: Index, selection: Selection): Promise<Descriptor[]> {
    if (typeof selection !== 'string' && 'onlyFor' in selection) return withAttached(index, selection.onlyFor)
    if (selection !== 'available') return [...index.manifests]
    const there = await mapLimit(index.manifests, READS_AT_ONCE, (child) => this.#from.has(child, this.#job))
    return index.manifests.filter((_, i) => there[i])
  }

  #readDocument(descriptor: Descriptor): ReturnType<typeof readImageDocument> {
    return sideOf('source', 'read the manifest', () => readImageDocument(this.#from, descriptor, this.#job))
  }

  #keep(node: Node): void {
    this.#bytes += node.document.bytes.length
    this.#nodes.set(node.document.descriptor.digest, node)
    if (this.#nodes.size > MAX_DOCUMENTS || this.#bytes > MAX_DOCUMENT_BYTES) {
      throw fail('MANIFEST_INVALID', 'invalid index: it leads to too many manifests')
    }
  }

  /** Docker takes the image all the same, and says so. */
  #warnOfPlatform(config: ImageConfig, wanted: Platform): void {
    if (matchesPlatform(wanted, config) || config.os === 'unknown') return
    const [asked, actual] = [formatPlatform(wanted), formatPlatform(config)]
    const message = `image was found but does not match the specified platform: wanted ${asked}, actual: ${actual}`
    this.#job.progress({ type: 'warning', code: 'PLATFORM_MISMATCH', message })
  }
}

/** The manifest of a platform, and what the index says of it. */
function withAttached(index: Index, platform: Platform): Descriptor[] {
  const chosen = selectManifest(index, platform)
  const attached = index.manifests.filter(
    (entry) => entry.annotations?.['vnd.docker.reference.digest'] === chosen.digest,
  )
  return [chosen, ...attached]
}
