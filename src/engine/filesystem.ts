import { existsSync, rmSync } from 'node:fs'
import { fail, hasCode, type Job } from '../core/index.ts'
import { createLayerWriter, diffUpper, type FileTree, openFileTree, openLayer } from '../layer/index.ts'
import type { Platform } from '../oci/index.ts'
import type { Lease, Store } from '../store/index.ts'
import { openStepFiles } from './builds/step-files.ts'
import { isStepRef } from './builds/step-ref.ts'
import type { Container, StoredRecord } from './container-record.ts'
import { findImage, nameForMessage } from './images.ts'

/** A file system that a user named: an image's, or a container's as it is now. */
export interface NamedFiles {
  tree: FileTree
  /** What it was made from: a container's image. */
  below?: FileTree
}

/**
 * The files of a container, an image or a build step, by its name; of a container and an image with one name, the
 * container's. They stay while the lease does. Fails with `IMAGE_NOT_FOUND` when there is neither.
 */
export async function openFiles(
  store: Store,
  lease: Lease,
  { name, platform }: { name: string; platform?: Platform },
  job: Job,
): Promise<NamedFiles> {
  if (isStepRef(name)) return openStepFiles(store, lease, name, job)
  const container = store.containers.find<StoredRecord>(name)
  if (container) return containerFiles(store, lease, container, job)
  const { diff_ids: diffIds } = store.images.config(namedImage(store, name), platform).config.rootfs
  lease.hold(diffIds)
  return { tree: await store.layers.tree(diffIds, job) }
}

function namedImage(store: Store, name: string): ReturnType<typeof findImage>['image'] {
  try {
    return findImage(store, name).image
  } catch (error) {
    if (!hasCode(error, 'IMAGE_NOT_FOUND')) throw error
    throw fail('IMAGE_NOT_FOUND', `No such container or image: ${nameForMessage(name)}`)
  }
}

/** What a container has written is read as it is at this moment: once, into a layer that goes with the lease. */
async function containerFiles(store: Store, lease: Lease, { id, record }: Container, job: Job): Promise<NamedFiles> {
  lease.hold(record.diffIds)
  const below = await store.layers.tree(record.diffIds, job)
  const upper = store.snapshotter('directory').upper(id)
  if (!existsSync(upper)) return { tree: below, below }
  const files = store.layers.temporary(lease)
  const writer = createLayerWriter(files, {}, job)
  try {
    await diffUpper(upper, writer, { lower: below }, job)
    writer.finish()
  } catch (error) {
    writer.abort()
    for (const file of Object.values(files)) rmSync(file, { force: true })
    throw error
  }
  const layers = (await store.layers.indexes(record.diffIds, job)).map((index) =>
    openLayer(index, (diffId) => store.layers.tarPath(diffId)),
  )
  return { tree: openFileTree([...layers, openLayer(files.index, () => files.tar)]), below }
}
