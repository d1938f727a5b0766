import { type Bytes, type Digest, fail, type Job, runTask, SlipwayError } from '../../core/index.ts'
import {
  type Descriptor,
  familiarReference,
  formatReference,
  hostPlatform,
  type ImageReference,
  type ImageSource,
  isLayerType,
  type Platform,
  parseReference,
  withDefaultTag,
} from '../../oci/index.ts'
import type { RegistryRepository } from '../../registry/index.ts'
import { type Lease, openRepository, type Store } from '../../store/index.ts'
import { type CopyPlan, copyImage } from '../../transfer/index.ts'
import { layerProgress } from './layer-progress.ts'
import { inPlainWords } from './plain-words.ts'
import { checkRepository, type Household, openRemote } from './repository.ts'

/** What to bring from a registry. */
export interface PullRequest {
  /** A name, with a tag or a digest perhaps. */
  image: string
  /** All tags of the repository. */
  allTags?: boolean
  /** Of which platform; this machine's when missing. */
  platform?: Platform
}

/** An image that was pulled. */
export interface PulledImage {
  /** As Docker shows it, with its tag or digest. */
  name: string
  /** What the registry has under this name: of a manifest or of an index. */
  digest: Digest
  id: Digest
  /** Whether the name stood for something else before, or for nothing. */
  isNew: boolean
}

/**
 * Brings images from a registry: what is missing of them. Each is a task of the job, `TAG: Pulling from PATH`, with its
 * layers as parts. Of several platforms one is brought; the index stays what the name stands for, byte for byte, so that
 * its digest is that of the registry. Fails with `IMAGE_NOT_FOUND`, `PLATFORM_NOT_FOUND`, `REGISTRY_UNAUTHORIZED` and
 * the like.
 */
export async function* pullImages(household: Household, request: PullRequest, job: Job): AsyncIterable<PulledImage> {
  const reference = parseReference(request.image)
  if (request.allTags && (reference.tag ?? reference.digest) !== undefined) {
    throw fail('USAGE_INVALID', "tag can't be used with --all-tags/-a")
  }
  if (reference.domain === 'docker.io' && reference.path === 'library/scratch') {
    throw fail('REFERENCE_INVALID', "'scratch' is a reserved name")
  }
  await using remote = openRemote(household, reference, { access: 'pull' })
  const { platform = hostPlatform() } = request
  for await (const each of wanted(remote, reference, request, job)) {
    yield await pullOne(household.store, remote, { reference: each, platform }, job)
  }
}

async function* wanted(
  remote: RegistryRepository,
  reference: ImageReference,
  { allTags }: PullRequest,
  job: Job,
): AsyncIterable<ImageReference> {
  // Docker heeds the digest alone where there is a tag, too
  const { tag: _, ...untagged } = reference
  if (!allTags) yield reference.digest ? untagged : withDefaultTag(reference)
  else yield* allOf(remote, reference, job)
}

async function* allOf(remote: RegistryRepository, reference: ImageReference, job: Job): AsyncIterable<ImageReference> {
  let isEmpty = true
  for await (const tag of remote.tags(job)) {
    isEmpty = false
    yield { ...reference, tag }
  }
  if (isEmpty) await checkRepository(remote, reference, job)
}

interface Wanted {
  reference: ImageReference
  platform: Platform
  /** What the task is called; Docker's words when missing. */
  headline?: string
}

/** Brings one image, of which the registry's repository is open already. */
export async function pullOne(
  store: Store,
  remote: RegistryRepository,
  wanted: Wanted,
  job: Job,
): Promise<PulledImage> {
  using lease = store.lease()
  const { reference } = wanted
  const name = familiarReference(reference)
  const resolved = await resolve(remote, reference, job)
  const { path, tag = name } = reference
  const task = { id: `pull ${name}`, name: wanted.headline ?? `${tag}: Pulling from ${path}` }
  return await runTask(job, task, () => bring({ store, remote, lease, resolved, task: task.id }, wanted, job))
}

interface Bringing {
  store: Store
  remote: RegistryRepository
  lease: Lease
  resolved: Descriptor
  task: string
}

async function bring(
  { store, remote, lease, resolved, task }: Bringing,
  { reference, platform }: Wanted,
  job: Job,
): Promise<PulledImage> {
  const { domain, path, tag, digest = resolved.digest } = reference
  const progress = layerProgress(task, { arrived: 'Download complete' }, job)
  const to = openRepository(store, lease)
  let isComplete = true
  const onPlan = async (plan: CopyPlan): Promise<void> => {
    const parts = [...plan.blobs, ...plan.documents.map(({ descriptor }) => descriptor)]
    for (const part of parts) isComplete &&= await to.has(part)
    if (!isComplete) progress.announce(plan)
    const digests = plan.blobs.map((blob) => blob.digest)
    store.places.add(digests, { domain, path })
  }
  const from = sparing(remote, { resolved, store, lease })
  const options = { ref: resolved.digest, select: { onlyFor: platform }, onPlan }
  const { root } = await copyImage(from, to, options, progress.job).catch((error: unknown) => {
    throw inPlainWords(error)
  })
  // what cannot be mounted does not become an image
  for (const diffIds of store.images.stacks(root)) await store.layers.settle(diffIds, job)
  const name = formatReference(reference)
  const before = store.images.named(name)?.descriptor.digest
  const byDigest = formatReference({ domain, path, digest })
  const { id } = store.images.put(root, tag === undefined ? [byDigest] : [name, byDigest])
  return { name: familiarReference(reference), digest, id, isNew: !isComplete || before !== root.digest }
}

/** In Docker's words. */
async function resolve(remote: RegistryRepository, reference: ImageReference, job: Job): Promise<Descriptor> {
  try {
    return await remote.resolve(reference.digest ?? reference.tag!, job)
  } catch (failure) {
    const error = inPlainWords(failure)
    if (!(error instanceof SlipwayError) || error.fault === 'canceled') throw error
    const name = formatReference(reference)
    const { code, hint, data } = error
    const why = code === 'IMAGE_NOT_FOUND' ? `${name}: not found` : error.message
    const details = { data, cause: error, ...(hint === undefined ? {} : { hint }) }
    throw fail(code, `failed to resolve reference "${name}": ${why}`, details)
  }
}

/** The registry, of which no manifest or config is asked that is here. A tag is resolved once. */
function sparing(
  remote: ImageSource,
  { resolved, store, lease }: { resolved: Descriptor; store: Store; lease: Lease },
): ImageSource {
  const here = openRepository(store, lease)
  return {
    resolve: async () => resolved,
    has: (descriptor, job) => remote.has(descriptor, job),
    async *read(descriptor, range, job): Bytes {
      const isHere = !isLayerType(descriptor.mediaType) && (await here.has(descriptor))
      yield* (isHere ? here : remote).read(descriptor, range, job)
    },
    tags: (job) => remote.tags(job),
    referrers: (subject, type, job) => remote.referrers(subject, type, job),
  }
}
