import { type Digest, fail, shortId } from '../core/index.ts'
import {
  chainIds,
  familiarReference,
  formatReference,
  historySteps,
  type ImageConfig,
  type Platform,
  parseReference,
  withDefaultTag,
} from '../oci/index.ts'
import type { FoundImage, Store, StoredImage } from '../store/index.ts'

/** An image as lists show it: one per image id. */
export interface ImageSummary {
  id: Digest
  /** Short names with tags, `nginx:latest`; empty for an image that lost its name ("dangling"). */
  tags: string[]
  /** Short names with digests, `nginx@sha256:...`. */
  digests: string[]
  /** Manifest or index digests that this id was found under. */
  roots: Digest[]
  created: Date | undefined
  /** Bytes of all files in all layers. */
  bytes: number
  platform: string
  labels: Record<string, string>
  /** How many containers were made from it. */
  containers: number
}

/** One row of an image's history, newest first. */
export interface HistoryRow {
  /** The image id for the newest row; the other rows of an image that was built elsewhere have none. */
  id: Digest | undefined
  created: Date | undefined
  createdBy: string
  /** Bytes of the files in the row's layer. */
  bytes: number
  comment: string
  tags: string[]
}

/** All images, newest first; equal ages by name. */
export function listImages(store: Store): ImageSummary[] {
  const byId = new Map<Digest, StoredImage[]>()
  for (const image of store.images.list()) byId.set(image.id, [...(byId.get(image.id) ?? []), image])
  const uses = new Map<Digest, number>()
  for (const { imageDigest } of store.containers.list()) uses.set(imageDigest, (uses.get(imageDigest) ?? 0) + 1)
  const age = (image: ImageSummary): number => image.created?.getTime() ?? 0
  return [...byId.values()]
    .map((images) => summarize(images, uses))
    .sort((a, b) => age(b) - age(a) || (a.tags[0] ?? '').localeCompare(b.tags[0] ?? ''))
}

function summarize(images: StoredImage[], uses: Map<Digest, number>): ImageSummary {
  const [first] = images
  const { summary, id } = first!
  const short = (names: string[]): string[] => names.map((name) => familiarReference(parseReference(name)))
  return {
    id,
    tags: short(images.flatMap((image) => image.names)),
    digests: short(images.flatMap((image) => image.digests)),
    roots: images.map((image) => image.descriptor.digest),
    created: summary.created === undefined ? undefined : new Date(summary.created),
    bytes: summary.contentBytes,
    platform: summary.platform,
    labels: summary.labels,
    containers: images.reduce((sum, image) => sum + (uses.get(image.descriptor.digest) ?? 0), 0),
  }
}

/** The image a user means. Fails with `IMAGE_NOT_FOUND` or `REFERENCE_INVALID`, in Docker's words. */
export function findImage(store: Store, text: string): FoundImage {
  const found = store.images.find(text)
  if (found) return found
  parseReference(text)
  throw fail('IMAGE_NOT_FOUND', `No such image: ${nameForMessage(text)}`)
}

/** Docker completes a name with `:latest` before it says that there is none such. */
export function nameForMessage(text: string): string {
  try {
    return familiarReference(withDefaultTag(parseReference(text)))
  } catch {
    return text
  }
}

/** How an image came to be, newest step first. Fails with `IMAGE_NOT_FOUND`. */
export function imageHistory(store: Store, text: string, platform?: Platform): HistoryRow[] {
  const { image } = findImage(store, text)
  const { config, digest } = store.images.config(image, platform)
  const rows = historySteps(config).map(({ entry, diffId }) => ({
    id: undefined as Digest | undefined,
    created: entry?.created === undefined ? undefined : new Date(entry.created),
    createdBy: entry?.created_by ?? '',
    bytes: diffId === undefined ? 0 : (store.layers.get(diffId)?.contentBytes ?? 0),
    comment: entry?.comment ?? '',
    tags: [] as string[],
  }))
  rows.reverse()
  if (rows[0]) {
    rows[0].id = digest
    rows[0].tags = image.names.map((name) => familiarReference(parseReference(name)))
  }
  return rows
}

/** Gives an image another name. Fails with `IMAGE_NOT_FOUND` and `REFERENCE_INVALID`. */
export function tagImage(store: Store, source: string, target: string): void {
  const name = fullName(target)
  store.atomically(() => store.images.tag(name, findImage(store, source).image.descriptor.digest))
}

/** A name for an image, complete: `nginx` becomes `docker.io/library/nginx:latest`. A digest is refused. */
export function fullName(text: string): string {
  const reference = parseReference(text)
  if (reference.digest) throw fail('REFERENCE_INVALID', 'refusing to create a tag with a digest reference')
  return formatReference(withDefaultTag(reference))
}

/** The layer ids that Docker prints for an image: chain ids from the top down. */
export function layerChain(config: ImageConfig): Digest[] {
  return chainIds(config.rootfs.diff_ids).reverse()
}

/** `sha256:` and 12 digits, or the digits alone, as Docker shortens ids. */
export function shortImageId(id: Digest): string {
  return shortId(id)
}
