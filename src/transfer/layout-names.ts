import { fail } from '../core/index.ts'
import { type Descriptor, formatReference, type Index, parseReference, withDefaultTag } from '../oci/index.ts'

/** The whole name of an image, as containerd, BuildKit and Docker write it into `index.json`. */
const FULL_NAME = 'io.containerd.image.name'
/** The tag (image spec, "Pre-Defined Annotation Keys"); skopeo and umoci write whatever the user said. */
const REF_NAME = 'org.opencontainers.image.ref.name'

/** The whole name that text stands for, tag included, or `undefined` when it is no image name. */
export function fullName(text: string): string | undefined {
  try {
    return formatReference(withDefaultTag(parseReference(text)))
  } catch {
    return undefined
  }
}

/** What an entry of `index.json` is called: a whole name, or a bare tag such as `1.0` when the layout says no more. */
export function nameOf(entry: Descriptor): string | undefined {
  const { [FULL_NAME]: full, [REF_NAME]: ref } = entry.annotations ?? {}
  const name = full === undefined ? undefined : fullName(full)
  return name ?? (ref ? canonical(ref) : undefined)
}

/**
 * The entry of a name: a whole name, one that Docker would complete, or a bare tag. Fails with `NAME_AMBIGUOUS`
 * when several images have it.
 */
export function findByName(entries: readonly Descriptor[], wanted: string): Descriptor | undefined {
  const full = fullName(wanted)
  return (
    theOne(entries, wanted, (entry) => nameOf(entry) === wanted) ??
    theOne(entries, wanted, (entry) => full !== undefined && nameOf(entry) === full) ??
    theOne(entries, wanted, (entry) => entry.annotations?.[REF_NAME] === wanted)
  )
}

/** The entries with one more name, and what else is said of the image; whatever had the name loses it. */
export function withName(entries: readonly Descriptor[], name: string, descriptor: Descriptor): Descriptor[] {
  const { mediaType, digest, size, platform } = descriptor
  const { [FULL_NAME]: _, [REF_NAME]: __, ...others } = descriptor.annotations ?? {}
  const about = { annotations: { ...others, ...annotationsOf(name) }, ...(platform ? { platform } : {}) }
  const isOld = (entry: Descriptor): boolean =>
    nameOf(entry) === canonical(name) || (nameOf(entry) === undefined && entry.digest === digest)
  return [...entries.filter((entry) => !isOld(entry)), { mediaType, digest, size, ...about }]
}

/** The entries without a name, and the one that had it; `undefined` when none had. */
export function withoutName(
  entries: readonly Descriptor[],
  name: string,
): { entries: Descriptor[]; removed: Descriptor } | undefined {
  const removed = entries.find((entry) => nameOf(entry) === canonical(name))
  return removed && { removed, entries: entries.filter((entry) => entry !== removed) }
}

/** The entries with an image that has no name, unless it is there already. */
export function withUnnamed(entries: readonly Descriptor[], descriptor: Descriptor): readonly Descriptor[] {
  if (entries.some((entry) => entry.digest === descriptor.digest)) return entries
  const { mediaType, digest, size, platform } = descriptor
  const { [FULL_NAME]: _, [REF_NAME]: __, ...others } = descriptor.annotations ?? {}
  const annotations = Object.keys(others).length > 0 ? { annotations: others } : {}
  return [...entries, { mediaType, digest, size, ...annotations, ...(platform ? { platform } : {}) }]
}

/** A copy of an index with other entries; what else it says stays. */
export function withEntries(index: Index, manifests: readonly Descriptor[]): Index {
  return Object.assign(Object.create(null) as Index, index, { manifests })
}

function annotationsOf(name: string): Record<string, string> {
  if (isBareTag(name) || fullName(name) === undefined) return { [REF_NAME]: name }
  const { tag } = withDefaultTag(parseReference(name))
  return { [FULL_NAME]: canonical(name), ...(tag === undefined ? {} : { [REF_NAME]: tag }) }
}

/** The spelling in which names are compared. */
function canonical(name: string): string {
  return isBareTag(name) ? name : (fullName(name) ?? name)
}

/** `1.0` could be the image docker.io/library/1.0, but in a layout it is a tag of whatever the layout holds. */
function isBareTag(name: string): boolean {
  return !/[/:@]/.test(name)
}

function theOne(
  entries: readonly Descriptor[],
  wanted: string,
  isIt: (entry: Descriptor) => boolean,
): Descriptor | undefined {
  const found = entries.filter(isIt)
  if (found.some((entry) => entry.digest !== found[0]!.digest)) {
    throw fail('NAME_AMBIGUOUS', `${wanted.slice(0, 300)} stands for ${found.length} images`, {
      hint: 'Name the image by its digest.',
      data: { digests: found.slice(0, 20).map((entry) => entry.digest) },
    })
  }
  return found[0]
}
