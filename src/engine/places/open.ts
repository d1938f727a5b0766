import { type Digest, fail, type Job } from '../../core/index.ts'
import {
  familiarReference,
  formatReference,
  type ImageSource,
  type ImageTarget,
  parseReference,
} from '../../oci/index.ts'
import type { RegistryRepository, RepositoryName } from '../../registry/index.ts'
import { type Lease, openRepository, type Store } from '../../store/index.ts'
import {
  type CopyOptions,
  createImageDirectory,
  createOciLayout,
  DIRECTORY_TAG,
  type ListedImage,
  openImageArchive,
  openImageDirectory,
  openOciLayout,
  type Selection,
  saveFile,
  writeImageArchive,
} from '../../transfer/index.ts'
import { findImage, fullName } from '../images.ts'
import type { Place } from './place.ts'

/** What places are opened with. */
export interface Surroundings {
  readonly store: Store
  readonly lease: Lease
  /** Opens a repository of a registry. */
  registry(name: RepositoryName, access: 'pull' | 'push'): RegistryRepository
}

/** A place that is read, and what is wanted there. */
export interface OpenSource {
  readonly from: ImageSource
  /** Tag or digest. */
  readonly ref: string
  /** What "all platforms" means: a store or archive often has an index with one of its images. */
  readonly all: Selection
  /** What another tag of the same repository is called there; `undefined` where there is none. */
  sibling(tag: string): string | undefined
  /** Where it is, if in a registry. */
  readonly remote?: RepositoryName
}

/** A place that is written to. */
export interface OpenTarget {
  readonly to: ImageTarget
  /** How the image is to be called; none when it has no name there but its digest. */
  readonly names: readonly string[]
  /** The digest that the image must have. */
  readonly digest?: Digest
  /** As for sources. */
  sibling(tag: string): string | undefined
  readonly remote?: RepositoryName
  /** Comes before the first name: an image that cannot be mounted does not get one. */
  beforeNaming?(root: { digest: Digest; mediaType: string; size: number }): Promise<void>
}

/** Opens a place for the time of `work`. Fails with `IMAGE_NOT_FOUND`, `NAME_AMBIGUOUS` and as opening it does. */
export async function withSource<T>(
  place: Place,
  { store, lease, registry }: Surroundings,
  work: (source: OpenSource) => Promise<T>,
  job: Job,
): Promise<T> {
  switch (place.kind) {
    case 'store':
      return work(storeSource(store, lease, place.name))
    case 'registry': {
      const { tag, digest } = place.reference
      await using from = registry(place.reference, 'pull')
      const ref = digest ?? tag ?? 'latest'
      return await work({ from, ref, all: 'all', sibling: (other) => other, remote: from.name })
    }
    case 'directory': {
      const from = await openImageDirectory(place.path, job)
      return work({ from, ref: DIRECTORY_TAG, all: 'available', sibling: () => undefined })
    }
    case 'oci-layout': {
      const from = await openOciLayout(place.path, job)
      const ref = chooseImage(await from.images(), place)
      return work({ from, ref, all: 'available', sibling: siblingOf(ref) })
    }
    default: {
      await using from = await openImageArchive(place.path, { temporary: lease.folder }, job)
      const ref = chooseImage(await from.images(), place)
      return await work({ from, ref, all: 'available', sibling: siblingOf(ref) })
    }
  }
}

/**
 * Opens a place to write to for the time of `work`, with more names for the image. A file is written whole or not at
 * all. Fails with `PLACE_UNSUPPORTED` where there is no room for another name.
 */
export async function withTarget(
  place: Place,
  { store, lease, registry }: Surroundings,
  options: { moreNames: readonly string[]; work(target: OpenTarget): Promise<void> },
  job: Job,
): Promise<void> {
  const { moreNames, work } = options
  switch (place.kind) {
    case 'store':
      return work(storeTarget({ store, lease }, [place.name, ...moreNames], job))
    case 'registry': {
      const { tag, digest } = place.reference
      const names = [...(tag === undefined ? [] : [tag]), ...moreNames.map((name) => checkTag(name))]
      await using to = registry(place.reference, 'push')
      const pinned = digest === undefined ? {} : { digest }
      return await work({ to, names, ...pinned, sibling: (other) => other, remote: to.name })
    }
    case 'directory': {
      if (moreNames.length > 0) throw fail('PLACE_UNSUPPORTED', 'dir: holds one image, which has no name')
      const to = await createImageDirectory(place.path, job)
      return work({ to, names: [DIRECTORY_TAG], sibling: () => undefined })
    }
    case 'oci-layout': {
      const to = await createOciLayout(place.path, job)
      return work({ to, ...namesIn(place, moreNames) })
    }
    default: {
      const format = place.kind === 'oci-archive' ? 'oci' : 'docker'
      const names = format === 'oci' ? moreNames : moreNames.map(fullName)
      const fill = (to: ImageTarget): Promise<void> => work({ to, ...namesIn(place, names) })
      return saveFile(place.path, writeImageArchive(format, fill, job))
    }
  }
}

/** Lets the registry of both sides take layers from the one repository into the other. */
export function mounting(source: OpenSource, target: OpenTarget): Pick<CopyOptions, 'mountFrom'> {
  const [from, to] = [source.remote, target.remote]
  if (!from || from.domain !== to?.domain || from.path === to.path) return {}
  return { mountFrom: () => from.path }
}

function storeSource(store: Store, lease: Lease, text: string): OpenSource {
  const { image, name } = findImage(store, text)
  const { digest } = image.descriptor
  lease.hold([digest])
  return { from: openRepository(store, lease), ref: digest, all: 'available', sibling: siblingOf(name ?? digest) }
}

function storeTarget({ store, lease }: { store: Store; lease: Lease }, texts: readonly string[], job: Job): OpenTarget {
  const names = texts.map(fullName)
  return {
    to: openRepository(store, lease),
    names,
    sibling: siblingOf(names[0]!),
    beforeNaming: async (root) => {
      for (const diffIds of store.images.stacks(root)) await store.layers.settle(diffIds, job)
    },
  }
}

function namesIn(
  place: { name?: string; index?: number },
  moreNames: readonly string[],
): Pick<OpenTarget, 'names' | 'sibling'> {
  if (place.index !== undefined) {
    throw fail('PLACE_UNSUPPORTED', 'a position (@N) says what to copy from a place, not where to put it')
  }
  const names = [...(place.name === undefined ? [] : [place.name]), ...moreNames]
  return { names, sibling: siblingOf(names[0] ?? '') }
}

/** Where the names are whole names, another tag belongs to the same repository; else tags are all there is. */
function siblingOf(name: string): (tag: string) => string {
  return (tag) => {
    if (!/[/:]/.test(name) || name.startsWith('sha256:')) return tag
    const { domain, path } = parseReference(name)
    return formatReference({ domain, path, tag })
  }
}

function chooseImage(images: readonly ListedImage[], place: { name?: string; index?: number; path: string }): string {
  const { name, index, path } = place
  if (name !== undefined) return name
  const named = images.filter(({ names }) => names.length > 0)
  // beside an image there may be its signatures, which have no name
  const only = named.length === 1 ? named[0] : images[0]
  const chosen = index === undefined ? only : images[index]
  if (!chosen) {
    const why = index === undefined ? 'it holds no image' : `it has no image @${index}: it holds ${images.length}`
    throw fail('IMAGE_NOT_FOUND', `No such image: ${path}: ${why}`)
  }
  if (index !== undefined || images.length === 1 || named.length === 1) return chosen.descriptor.digest
  throw fail('NAME_AMBIGUOUS', `${path} holds ${images.length} images`, {
    hint: `Say which one: ${images.slice(0, 10).map(describe).join(', ')}.`,
    data: { digests: images.slice(0, 20).map(({ descriptor }) => descriptor.digest) },
  })
}

function describe({ names }: ListedImage, position: number): string {
  const [name] = names
  if (name === undefined) return `:@${position}`
  return name.includes('/') ? `:${familiarReference(parseReference(name))}` : `:${name}`
}

const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/

function checkTag(text: string): string {
  if (TAG.test(text)) return text
  throw fail('REFERENCE_INVALID', `invalid tag ${text.slice(0, 200)}`, {
    hint: 'A further name in a registry is a tag of the same repository.',
  })
}
