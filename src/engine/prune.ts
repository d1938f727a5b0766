import type { Digest } from '../core/index.ts'
import { familiarReference, parseReference } from '../oci/index.ts'
import type { Store } from '../store/index.ts'
import { type Filters, imageFilter } from './image-filters.ts'
import { type ImageSummary, listImages } from './images.ts'

/** Which images `pruneImages` takes. */
export interface PruneRequest {
  /** All images that no container uses, not only those without a name. */
  all?: boolean
  filters?: Filters
}

/** What a pruning removed. */
export interface Pruned {
  untagged: string[]
  deleted: Digest[]
  /** Bytes given back, leftovers of killed processes included. */
  bytes: number
}

/** Removes images that nothing needs. An image that a container uses, running or not, stays. */
export function pruneImages(store: Store, request: PruneRequest): Pruned {
  const matches = imageFilter(store, request.filters ?? {}, ['label', 'label!', 'until', 'dangling'])
  const unused = (image: ImageSummary): boolean => image.containers === 0 && (request.all || image.tags.length === 0)
  // judged and removed in one go: an image may get a name at any moment
  const { doomed, names } = store.atomically(() => {
    const doomed = listImages(store).filter((image) => unused(image) && matches(image))
    const names = doomed.flatMap((image) =>
      store.images.withId(image.id).flatMap((each) => [...each.names, ...each.digests]),
    )
    store.images.remove(doomed.flatMap((image) => image.roots))
    return { doomed, names }
  })
  const { digests, bytes } = store.collect()
  const ids = doomed.map((image) => image.id)
  return {
    untagged: names.map((name) => familiarReference(parseReference(name))),
    deleted: [...ids, ...digests.filter((digest) => !ids.includes(digest))],
    bytes,
  }
}
