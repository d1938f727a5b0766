import { createReadStream, existsSync } from 'node:fs'
import { applyChanges, download, redactUrl } from '../build/index.ts'
import { type Bytes, type Digest, fail, hasCode, type Job, runTask } from '../core/index.ts'
import {
  appendLayer,
  editConfig,
  editContainerConfig,
  emptyImage,
  formatReference,
  hostPlatform,
  MEDIA,
  type Platform,
  parseReference,
  writeImage,
} from '../oci/index.ts'
import { type Lease, openRepository, type Store, type StoredImage } from '../store/index.ts'
import { copyImage, openImageArchive, writeImageArchive } from '../transfer/index.ts'
import { findImage, fullName } from './images.ts'

/**
 * Images as an archive that every Docker, podman and skopeo can load. A name without a tag means all tags of the
 * repository. Fails with `IMAGE_NOT_FOUND` before the first byte.
 */
export function saveImages(store: Store, names: readonly string[], options: { platform?: Platform }, job: Job): Bytes {
  const wanted = names.flatMap((name) => imagesNamed(store, name))
  const select = options.platform ?? 'available'
  return writeImageArchive(
    'docker',
    async (target) => {
      using lease = store.lease()
      const from = openRepository(store, lease)
      lease.hold(wanted.map(({ digest }) => digest))
      for (const { digest, name } of wanted) {
        const result = await copyImage(from, target, { ref: digest, select, ...(name ? { as: name } : {}) }, job)
        if (!name) await target.tag(result.root.digest, result.root)
      }
    },
    job,
  )
}

function imagesNamed(store: Store, text: string): { digest: Digest; name?: string }[] {
  const all = allTags(store, text)
  if (all.length > 0) return all
  const { image, name } = findImage(store, text)
  const { digest } = image.descriptor
  return [name === undefined ? { digest } : { digest, name }]
}

function allTags(store: Store, text: string): { digest: Digest; name: string }[] {
  const reference = tryReference(text)
  if (!reference || reference.tag || reference.digest) return []
  const found = store.images.find(text)
  if (found && found.name === undefined) return [] // the beginning of an id
  const prefix = `${formatReference(reference)}:`
  return store.images
    .list()
    .flatMap((image) => image.names.map((name) => ({ digest: image.descriptor.digest, name })))
    .filter(({ name }) => name.startsWith(prefix))
}

function tryReference(text: string): ReturnType<typeof parseReference> | undefined {
  try {
    return parseReference(text)
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return undefined
    throw error
  }
}

/** An image that was loaded. */
export interface LoadedImage {
  id: Digest
  /** Full names that it got; none for an image without a name. */
  names: string[]
  /** Images that lost one of these names to it: name and their id. */
  displaced: { name: string; id: Digest }[]
}

/** Takes in all images of an archive: a path, or a stream. Fails with `ARCHIVE_INVALID` and the like. */
export async function loadImages(
  store: Store,
  input: string | Bytes,
  options: { platform?: Platform },
  job: Job,
): Promise<LoadedImage[]> {
  using lease = store.lease()
  await using archive = await openImageArchive(input, { temporary: lease.folder }, job)
  const to = openRepository(store, lease)
  const loaded: LoadedImage[] = []
  for (const { descriptor, names } of await archive.images()) {
    const select = options.platform ?? 'available'
    const { root } = await copyImage(archive, to, { ref: descriptor.digest, select, continues: false }, job)
    // what cannot be mounted does not become an image
    for (const diffIds of store.images.stacks(root)) await store.layers.settle(diffIds, job)
    loaded.push(record(store, root, names.flatMap(completeName)))
  }
  return loaded
}

function record(store: Store, root: StoredImage['descriptor'], names: string[]): LoadedImage {
  const before = names.map((name) => ({ name, id: store.images.named(name)?.id }))
  const { id } = store.images.put(root, names)
  const displaced = before.flatMap(({ name, id: old }) => (old && old !== id ? [{ name, id: old }] : []))
  return { id, names, displaced }
}

/** A name out of an archive; one that is no name (it comes from outside) is left out. */
function completeName(name: string): string[] {
  try {
    return [fullName(name)]
  } catch (error) {
    if (hasCode(error, 'REFERENCE_INVALID')) return []
    throw error
  }
}

/** What to make an image from that is only a file system. */
export interface ImportRequest {
  /** Path or URL of a tar, plain or compressed, or its bytes. */
  source: string | Bytes
  /** How the source is called in the history; `-` for standard input. */
  sourceName: string
  tag?: string
  /** Dockerfile instructions that set the config. */
  changes?: readonly string[]
  message?: string
  platform?: Platform
}

/** Makes an image of one layer from an archive of a file system. */
export async function importImage(store: Store, request: ImportRequest, job: Job): Promise<StoredImage> {
  const names = request.tag === undefined ? [] : [fullName(request.tag)]
  const config = applyChanges({}, request.changes ?? [])
  using lease = store.lease()
  const layer = await runTask(job, { id: 'import', name: `importing ${request.sourceName}` }, async () => {
    const bytes = await openSource(store, lease, request.source, job)
    return (await store.layers.import(bytes, { lease, task: 'import' }, job)).record
  })
  await store.layers.settle([layer.diffId], job)
  const created = new Date().toISOString()
  const comment = request.message || `Imported from ${redactUrl(request.sourceName)}`
  const descriptor = { mediaType: MEDIA.ociLayer, digest: layer.diffId, size: layer.size }
  const base = editConfig(emptyImage(request.platform ?? hostPlatform()), { created })
  const image = appendLayer(base, { descriptor, diffId: layer.diffId, history: { created, comment } })
  const written = writeImage(editContainerConfig(image, config))
  for (const document of [written.config, written.manifest]) {
    store.blobs.writeWhole(document.bytes, lease, document.descriptor.digest)
  }
  return store.images.put(written.manifest.descriptor, names)
}

async function openSource(store: Store, lease: Lease, source: string | Bytes, job: Job): Promise<Bytes> {
  if (typeof source !== 'string') return source
  if (!/^https?:\/\//.test(source)) {
    if (!existsSync(source)) throw fail('ARCHIVE_INVALID', `open ${source}: no such file or directory`)
    return createReadStream(source, { highWaterMark: 1 << 20 })
  }
  const { digest } = await download({ store, lease }, source, 'import', job)
  return store.blobs.read(digest, undefined, job)
}
