import { type Digest, fail, shortId } from '../core/index.ts'
import { familiarReference, type ImageConfig, parseReference, repositoryOf } from '../oci/index.ts'
import type { Store, StoredImage } from '../store/index.ts'
import { type ContainerState, containerState, type StoredRecord } from './container-record.ts'
import { findImage, layerChain } from './images.ts'

/** What a removal did, in the order Docker prints it. */
export interface Removal {
  untagged: string[]
  /** Image id, then the layer chain ids that nothing else needs. */
  deleted: Digest[]
  /** Bytes given back. */
  bytes: number
}

/** How `removeImage` may go about it. */
export interface RemoveOptions {
  /** Remove names although containers use the image. */
  force?: boolean
}

/**
 * Removes a name or, given an id or the last name, the image, by Docker's rules (moby, daemon/images/image_delete.go).
 * Fails with `IMAGE_NOT_FOUND` or `IMAGE_IN_USE`, in Docker's words.
 */
export function removeImage(store: Store, text: string, options: RemoveOptions = {}): Removal {
  // names may move at any moment: what is judged here is what is removed
  const { untagged, forgotten } = store.atomically(() => {
    const { image, name } = findImage(store, text)
    return name === undefined ? removeById(store, image, options) : removeByName(store, image, name, options)
  })
  if (!forgotten) return { untagged, deleted: [], bytes: 0 }
  const { digests, bytes } = store.collect()
  const gone = new Set(digests)
  const { diff_ids: diffIds } = forgotten.config.rootfs
  const layers = layerChain(forgotten.config).filter((_, at, all) => gone.has(diffIds[all.length - 1 - at]!))
  return { untagged, deleted: [forgotten.id, ...layers], bytes }
}

/** What a removal came to before its content is collected. */
interface Judged {
  untagged: string[]
  /** The image, when it is one no more. */
  forgotten?: { id: Digest; config: ImageConfig }
}

function removeByName(store: Store, image: StoredImage, name: string, { force }: RemoveOptions): Judged {
  const names = allNames(store, image.id)
  const users = usersOf(store, image)
  if (!force && isSingleReference(names) && users[0]) {
    const short = familiarReference(parseReference(name))
    throw inUse(
      `unable to remove repository reference "${short}" (must force) - container ${users[0].id.slice(0, 12)} is using its referenced image ${shortId(image.id)}`,
    )
  }
  const doomed = [name, ...orphanedDigests(names, name)]
  for (const each of doomed) store.images.untag(each)
  const untagged = doomed.map((each) => familiarReference(parseReference(each)))
  const left = allNames(store, image.id)
  const running = users.some((user) => user.state === 'running')
  return left.length > 0 || running ? { untagged } : { untagged, forgotten: forget(store, image) }
}

function removeById(store: Store, image: StoredImage, { force }: RemoveOptions): Judged {
  const names = allNames(store, image.id)
  const short = shortId(image.id)
  const users = usersOf(store, image)
  const running = users.find((user) => user.state === 'running')
  if (running) {
    throw inUse(
      `unable to delete ${short} (cannot be forced) - image is being used by running container ${running.id.slice(0, 12)}`,
    )
  }
  if (!force && !isSingleReference(names)) {
    throw inUse(`unable to delete ${short} (must be forced) - image is referenced in multiple repositories`)
  }
  if (!force && users[0]) {
    throw inUse(
      `unable to delete ${short} (must be forced) - image is being used by stopped container ${users[0].id.slice(0, 12)}`,
    )
  }
  const untagged = names.map((name) => familiarReference(parseReference(name)))
  return { untagged, forgotten: forget(store, image) }
}

function forget(store: Store, image: StoredImage): { id: Digest; config: ImageConfig } {
  const { config } = store.images.config(image)
  store.images.remove(store.images.withId(image.id).map((each) => each.descriptor.digest))
  return { id: image.id, config }
}

function allNames(store: Store, id: Digest): string[] {
  return store.images.withId(id).flatMap((image) => [...image.names, ...image.digests])
}

/** Names by digest that were only kept beside the tag of the same repository that goes now. */
function orphanedDigests(names: readonly string[], removed: string): string[] {
  const repository = (name: string): string => repositoryOf(parseReference(name))
  const others = names.filter((name) => name !== removed && repository(name) === repository(removed))
  return others.every((name) => name.includes('@')) ? others : []
}

/** At most one tag, and everything in one repository. */
function isSingleReference(names: readonly string[]): boolean {
  const tags = names.filter((name) => !name.includes('@'))
  const repositories = new Set(names.map((name) => repositoryOf(parseReference(name))))
  return tags.length <= 1 && repositories.size <= 1
}

function usersOf(store: Store, image: StoredImage): { id: string; state: ContainerState['status'] }[] {
  const digests = new Set(store.images.withId(image.id).map((each) => each.descriptor.digest))
  return store.containers
    .list<StoredRecord>()
    .filter((container) => digests.has(container.imageDigest))
    .map((container) => ({ id: container.id, state: containerState(store, container).status }))
}

function inUse(message: string): Error {
  return fail('IMAGE_IN_USE', `conflict: ${message}`, {
    hint: 'stop and remove the container first (slipway stop, slipway rm), or use --force where the message allows it',
  })
}
