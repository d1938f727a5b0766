import type { LayerCompression } from '../../build/index.ts'
import { type Digest, fail, hasCode, type Job, runTask } from '../../core/index.ts'
import {
  type Descriptor,
  familiarReference,
  formatPlatform,
  formatReference,
  type ImageReference,
  matchesPlatform,
  normalizePlatform,
  type Platform,
  parseImageDocument,
  parseReference,
  readImage,
  repositoryOf,
  withDefaultTag,
} from '../../oci/index.ts'
import type { RegistryRepository } from '../../registry/index.ts'
import { type Lease, openRepository, type Store, type StoredImage } from '../../store/index.ts'
import { inPlainWords } from './plain-words.ts'
import { type Repacking, repackImage } from './repack.ts'
import { type Household, openRemote } from './repository.ts'
import { sendImage } from './send.ts'

/** What to send to a registry. */
export interface PushRequest {
  /** A name, with a tag perhaps. */
  image: string
  /** All tags that the repository has here. */
  allTags?: boolean
  /** Only the manifest of this platform, without an index. */
  platform?: Platform
  /** How layers travel that were made here: gzip when missing. */
  compression?: LayerCompression
}

/** An image that was pushed. */
export interface PushedImage {
  /** As Docker shows it. */
  name: string
  tag: string
  /** Of the manifest or index that the registry has now. */
  digest: Digest
  /** Bytes of that. */
  size: number
  /** The index that could not be pushed, for not all of it is here; the manifest was pushed in its place. */
  insteadOf?: Digest
}

/** What a name of the store is to become at the registry. */
interface Named {
  reference: ImageReference & { tag: string }
  image: StoredImage
}

/**
 * Sends images to the registry that their names tell. What came from a registry goes as it came; the layers of what was
 * made here are compressed, once. Each image is a task of the job, with its layers as parts. Fails with
 * `IMAGE_NOT_FOUND`, `REGISTRY_UNAUTHORIZED`, `REGISTRY_DENIED` and the like.
 */
export async function* pushImages(household: Household, request: PushRequest, job: Job): AsyncIterable<PushedImage> {
  const { store } = household
  const reference = parseReference(request.image)
  if (reference.digest) throw fail('REFERENCE_INVALID', 'cannot push a digest reference')
  if (request.allTags && reference.tag !== undefined) {
    throw fail('USAGE_INVALID', "tag can't be used with --all-tags/-a")
  }
  const named = request.allTags ? allNamed(store, reference) : [oneNamed(store, reference)]
  await using remote = openRemote(household, reference, { access: 'push' })
  for (const each of named) yield await pushOne(store, remote, { ...each, request }, job)
}

function oneNamed(store: Store, reference: ImageReference): Named {
  const tagged = withDefaultTag(reference)
  const image = store.images.named(formatReference(tagged))
  if (image) return { reference: { ...tagged, tag: tagged.tag! }, image }
  throw fail('IMAGE_NOT_FOUND', `tag does not exist: ${familiarReference(tagged)}`)
}

function allNamed(store: Store, reference: ImageReference): Named[] {
  const prefix = `${repositoryOf(reference)}:`
  const named = store.images
    .list()
    .flatMap((image) =>
      image.names
        .filter((name) => name.startsWith(prefix))
        .map((name) => ({ reference: { ...reference, tag: name.slice(prefix.length) }, image })),
    )
  if (named.length > 0) return named.sort((a, b) => (a.reference.tag < b.reference.tag ? -1 : 1))
  const message = `An image does not exist locally with the tag: ${familiarReference(reference)}`
  throw fail('IMAGE_NOT_FOUND', message)
}

async function pushOne(
  store: Store,
  remote: RegistryRepository,
  { reference, image, request }: Named & { request: PushRequest },
  job: Job,
): Promise<PushedImage> {
  using lease = store.lease()
  lease.hold([image.descriptor.digest])
  const name = familiarReference(reference)
  const chosen = await choose(store, lease, { name, image, platform: request.platform }, job)
  const task = { id: `push ${name}`, name: `pushing ${name}` }
  return await runTask(job, task, async () => {
    const packing = { store, lease, compression: request.compression ?? USUAL, task: task.id }
    const { root, sent } = await pack(packing, remote, { image, chosen }, job)
    await sendImage(store, remote, { lease, root: sent, reference, task: task.id }, job)
    const { digest, size } = sent
    return { name, tag: reference.tag, digest, size, ...(sent === root ? {} : { insteadOf: root.digest }) }
  })
}

const USUAL: LayerCompression = { algorithm: 'gzip', force: false }

/** The image as it travels: `root`, and what of it is sent when not all of it is here. */
async function pack(
  packing: Repacking,
  remote: RegistryRepository,
  { image, chosen }: { image: StoredImage; chosen: Descriptor },
  job: Job,
): Promise<{ root: Descriptor; sent: Descriptor }> {
  const isReady = isFromRegistry(image) && !packing.compression.force
  if (!isReady) await askEarly(remote, chosen, job)
  const root = isReady ? chosen : await repackImage(packing, chosen, job)
  const whole = await isWhole(packing.store, remote, root, job)
  return { root, sent: whole ? root : await onlyManifest(packing, image, job) }
}

/** Whoever may not push learns it before anything is compressed. */
async function askEarly(remote: RegistryRepository, descriptor: Descriptor, job: Job): Promise<void> {
  try {
    await remote.has(descriptor, job)
  } catch (error) {
    throw inPlainWords(error)
  }
}

/** The image, or its manifest for the platform that is asked for. */
async function choose(
  store: Store,
  lease: Lease,
  { name, image, platform }: { name: string; image: StoredImage; platform: Platform | undefined },
  job: Job,
): Promise<Descriptor> {
  if (!platform) return image.descriptor
  const missing = (): Error => {
    const wanted = formatPlatform(normalizePlatform(platform))
    const what = `image with reference ${name} was found but does not provide the specified platform (${wanted})`
    return fail('PLATFORM_NOT_FOUND', what)
  }
  try {
    const found = await readImage(openRepository(store, lease), image.descriptor, platform, job)
    if (!matchesPlatform(platform, found.config)) throw missing()
    const { mediaType, digest, size } = found.descriptor
    return { mediaType, digest, size }
  } catch (error) {
    throw hasCode(error, 'PLATFORM_NOT_FOUND', 'BLOB_NOT_FOUND') ? missing() : error
  }
}

/** Whether the store has the image as a registry has it: under the digest that it has there. */
function isFromRegistry({ digests, descriptor }: StoredImage): boolean {
  return digests.some((name) => name.endsWith(`@${descriptor.digest}`))
}

/** Whether all that an index lists is here, or in the repository already. */
async function isWhole(store: Store, remote: RegistryRepository, root: Descriptor, job: Job): Promise<boolean> {
  const document = parseImageDocument(store.blobs.readWhole(root.digest), root.mediaType)
  if (document.kind === 'manifest') return true
  for (const entry of document.index.manifests) {
    if (!store.blobs.has(entry.digest) && !(await remote.has(entry, job))) return false
  }
  return true
}

/** What is sent in place of an index that is not all here: the manifest for this machine. */
async function onlyManifest(packing: Repacking, image: StoredImage, job: Job): Promise<Descriptor> {
  const { mediaType, digest, size } = packing.store.images.manifest(image).descriptor
  const descriptor = { mediaType, digest, size }
  return isFromRegistry(image) ? descriptor : repackImage(packing, descriptor, job)
}
