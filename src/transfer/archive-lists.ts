import type { Digest } from '../core/index.ts'
import {
  type Descriptor,
  hostPlatform,
  type ImageReference,
  type Index,
  isConfigType,
  isImageManifest,
  type Manifest,
  parseConfig,
  parseImageDocument,
  parseReference,
  selectManifest,
} from '../oci/index.ts'
import type { ArchivedDocument, ArchiveTarget } from './archive-target.ts'
import type { DockerArchiveImageSource } from './docker-manifest.ts'
import { nameOf, withUnnamed } from './layout-names.ts'

/** The entries of an archive's `index.json`: what has a name, then what nothing else in the archive leads to. */
export function archiveEntries(target: ArchiveTarget): readonly Descriptor[] {
  const documents = new Documents(target)
  let entries = target.named
  for (const descriptor of documents.roots()) entries = withUnnamed(entries, descriptor)
  return entries
}

/**
 * The images of `manifest.json`: of each entry the one that this machine would run, or the first there is. Names of
 * the same image come together. What is no image is left out.
 */
export function dockerImages(target: ArchiveTarget): DockerArchiveImageSource[] {
  const documents = new Documents(target)
  const images = new Map<Digest, Omit<DockerArchiveImageSource, 'names'> & { names: ImageReference[] }>()
  for (const entry of archiveEntries(target)) {
    const manifest = documents.imageOf(entry)
    const config = manifest && target.documents.get(manifest.config.digest)
    if (!manifest || !config) continue
    const diffIds = parseConfig(config.bytes).rootfs.diff_ids
    const image = images.get(manifest.config.digest) ?? {
      config: manifest.config,
      layers: manifest.layers,
      diffIds,
      names: [],
    }
    images.set(manifest.config.digest, image)
    const reference = taggedReference(entry)
    if (reference) image.names.push(reference)
  }
  return [...images.values()]
}

class Documents {
  readonly #all: ReadonlyMap<Digest, ArchivedDocument>

  constructor(target: ArchiveTarget) {
    this.#all = target.documents
  }

  /** Manifests and indexes that no index here lists. */
  roots(): Descriptor[] {
    const descriptors = [...this.#all.values()].map(({ descriptor }) => descriptor)
    const children = new Set(
      descriptors.flatMap((descriptor) => this.#index(descriptor)?.manifests ?? []).map(({ digest }) => digest),
    )
    return descriptors.filter(({ mediaType, digest }) => !isConfigType(mediaType) && !children.has(digest))
  }

  /** The image that an entry leads to, as far as it is in the archive. */
  imageOf(entry: Descriptor): Manifest | undefined {
    let descriptor: Descriptor | undefined = entry
    for (let index = this.#index(entry); index && descriptor; index = this.#index(descriptor)) {
      descriptor = this.#choose(index)
      if (!descriptor) return undefined
    }
    const document = descriptor && this.#parse(descriptor)
    return document?.kind === 'manifest' && isImageManifest(document.manifest) ? document.manifest : undefined
  }

  #choose(index: Index): Descriptor | undefined {
    const here = index.manifests.filter(({ digest }) => this.#all.has(digest))
    try {
      return selectManifest({ ...index, manifests: here }, hostPlatform())
    } catch {
      return here.find((entry) => entry.platform?.os !== 'unknown')
    }
  }

  #index(descriptor: Descriptor): Index | undefined {
    const document = this.#parse(descriptor)
    return document?.kind === 'index' ? document.index : undefined
  }

  #parse(descriptor: Descriptor): ReturnType<typeof parseImageDocument> | undefined {
    if (isConfigType(descriptor.mediaType)) return undefined
    const found = this.#all.get(descriptor.digest)
    return found && parseImageDocument(found.bytes, found.descriptor.mediaType)
  }
}

/** The name of an entry as a reference with a tag, the only kind that `manifest.json` has room for. */
function taggedReference(entry: Descriptor): ImageReference | undefined {
  const name = nameOf(entry)
  if (name === undefined) return undefined
  const { digest: _, ...reference } = parseReference(name)
  return reference.tag === undefined ? undefined : reference
}
