import { type Digest, fail, hasCode, type Job } from '../../core/index.ts'
import { familiarReference, parseReference } from '../../oci/index.ts'
import { checkRepository, type Household, openRemote, type RegistryWishes } from '../registry/repository.ts'

/** A repository of a registry. */
export interface TagsRequest extends RegistryWishes {
  repository: string
}

/** A tag to take away. */
export interface RemoveTagRequest extends RegistryWishes {
  /** With a tag; or with a digest, to delete a manifest and all tags that it has. */
  name: string
  /** Deletes what the tag stands for, and with it all its other tags. */
  withManifest?: boolean
}

/** What was removed. */
export interface RemovedTag {
  /** As it is shown. */
  name: string
  /** The manifest that was deleted. */
  deleted?: Digest
}

/** Tags of one repository; more than any that people look at. */
const MOST_TAGS = 1_000_000

/** All tags of a repository, sorted. Fails with `IMAGE_NOT_FOUND`, `REGISTRY_UNAUTHORIZED` and the like. */
export async function listTags(household: Household, request: TagsRequest, job: Job): Promise<string[]> {
  const reference = parseReference(request.repository)
  if (reference.tag !== undefined || reference.digest !== undefined) {
    throw fail('REFERENCE_INVALID', `${request.repository} is an image, not a repository`, {
      hint: 'Leave out the tag and the digest.',
    })
  }
  await using remote = openRemote(household, reference, { ...request, access: 'pull' })
  const tags: string[] = []
  for await (const tag of remote.tags(job)) {
    if (tags.push(tag) > MOST_TAGS) throw fail('REGISTRY_INVALID_ANSWER', 'the registry lists tags without an end')
  }
  if (tags.length === 0) await checkRepository(remote, reference, job)
  return [...new Set(tags)].sort()
}

/** Takes a tag away, or deletes a manifest. Fails with `IMAGE_NOT_FOUND` and `REGISTRY_UNSUPPORTED`. */
export async function removeTag(household: Household, request: RemoveTagRequest, job: Job): Promise<RemovedTag> {
  const { withManifest = false } = request
  const reference = parseReference(request.name)
  const { tag, digest } = reference
  const name = familiarReference(reference)
  if (tag === undefined && digest === undefined) {
    throw fail('REFERENCE_INVALID', `${request.name} has no tag`, { hint: `Write ${name}:TAG.` })
  }
  if (digest !== undefined && !withManifest) {
    throw fail('REFERENCE_INVALID', `${name} is a manifest, not a tag`, {
      hint: 'With --with-manifest it is deleted, and with it all its tags.',
    })
  }
  await using remote = openRemote(household, reference, { ...request, access: 'push' })
  if (withManifest) {
    const deleted = digest ?? (await remote.resolve(tag!, job)).digest
    await remote.remove(deleted, job)
    return { name, deleted }
  }
  await remote.untag(tag!, job).catch((error: unknown) => {
    if (!hasCode(error, 'REGISTRY_UNSUPPORTED')) throw error
    throw fail('REGISTRY_UNSUPPORTED', error.message, {
      cause: error,
      hint: 'The registry may only delete manifests: --with-manifest does that, and takes all tags of it away.',
    })
  })
  return { name }
}
