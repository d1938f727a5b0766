import { fail } from '../../core/index.ts'
import {
  createIndex,
  type Descriptor,
  descriptorOf,
  formatPlatform,
  isAttestation,
  isIndexType,
  LIMITS,
  MEDIA,
  normalizePlatform,
  type Platform,
  parseIndex,
  type WrittenDocument,
  writeIndex,
} from '../../oci/index.ts'
import type { Annotation } from '../build/outputs/output.ts'

/** A manifest or index that goes into a new index; a manifest's descriptor says what its platform is. */
export interface Ingredient {
  readonly descriptor: Descriptor
  readonly bytes: Buffer
}

/** How an index is made of others. */
export interface CombineOptions {
  readonly annotations?: readonly Annotation[]
  /** Only these platforms, and what is attached to them; all when empty. */
  readonly platforms?: readonly Platform[]
  /** A single manifest becomes an index of one entry; else it stays what it is. */
  readonly preferIndex?: boolean
}

/** A document, and the entries of an index, none for a manifest. */
export interface Combined extends WrittenDocument {
  readonly manifests: readonly Descriptor[]
}

/**
 * Makes an index of manifests and of the entries of indexes, each once, as `buildx imagetools create` does: a single
 * source is taken as it is where nothing changes. Fails with `USAGE_INVALID` and `PLATFORM_NOT_FOUND`.
 */
export function combineIndex(ingredients: readonly Ingredient[], options: CombineOptions): Combined {
  const { annotations = [], platforms = [], preferIndex = true } = options
  const all = merge(ingredients.flatMap(entriesOf))
  const manifests = platforms.length === 0 ? all : only(all, platforms)
  const [single] = ingredients
  const isWhole = manifests.length === all.length && annotations.length === 0
  if (single && ingredients.length === 1 && isWhole && (isIndexType(single.descriptor.mediaType) || !preferIndex)) {
    const { bytes, descriptor } = single
    const isIndex = isIndexType(descriptor.mediaType)
    return { bytes, descriptor: descriptorOf(bytes, descriptor.mediaType), manifests: isIndex ? manifests : [] }
  }
  if (manifests.length > LIMITS.manifests) throw fail('MANIFEST_INVALID', 'the index would have too many entries')
  return write(manifests, annotations)
}

function entriesOf({ descriptor, bytes }: Ingredient): readonly Descriptor[] {
  return isIndexType(descriptor.mediaType) ? parseIndex(bytes, descriptor.mediaType).manifests : [descriptor]
}

/** Each digest once; what a later one says of it counts. */
function merge(entries: readonly Descriptor[]): Descriptor[] {
  const merged = new Map<string, Descriptor>()
  for (const entry of entries) {
    const old = merged.get(entry.digest)
    const annotations = { ...old?.annotations, ...entry.annotations }
    merged.set(entry.digest, {
      ...(old ?? entry),
      ...(entry.platform ? { platform: entry.platform } : {}),
      ...(Object.keys(annotations).length > 0 ? { annotations } : {}),
    })
  }
  return [...merged.values()]
}

function only(entries: readonly Descriptor[], platforms: readonly Platform[]): Descriptor[] {
  const wanted = (entry: Descriptor): boolean =>
    !isAttestation(entry) &&
    entry.platform !== undefined &&
    platforms.some((platform) => isSame(platform, entry.platform!))
  const digests = new Set(entries.filter(wanted).map(({ digest }) => digest as string))
  if (digests.size === 0) throw fail('PLATFORM_NOT_FOUND', 'none of the manifests match the provided platforms')
  const isAbout = ({ annotations }: Descriptor): boolean =>
    digests.has(annotations?.['vnd.docker.reference.digest'] ?? '')
  return entries.filter((entry) => digests.has(entry.digest) || isAbout(entry))
}

function write(manifests: readonly Descriptor[], annotations: readonly Annotation[]): Combined {
  const isDocker = manifests.every(({ mediaType }) => mediaType.startsWith('application/vnd.docker.'))
  const mediaType = isDocker ? MEDIA.dockerList : MEDIA.ociIndex
  // Docker's lists have no room for annotations
  const entries = isDocker ? manifests : manifests.map((entry) => annotated(entry, annotations))
  const own = Object.fromEntries(annotations.flatMap(({ on, key, value }) => (on === 'index' ? [[key, value]] : [])))
  const index = { ...createIndex(entries), mediaType, ...(isDocker || annotations.length === 0 ? {} : withOwn(own)) }
  checkAnnotations(annotations)
  return { ...writeIndex(index), manifests: entries }
}

function withOwn(own: Record<string, string>): { annotations?: Record<string, string> } {
  return Object.keys(own).length > 0 ? { annotations: own } : {}
}

function annotated(entry: Descriptor, annotations: readonly Annotation[]): Descriptor {
  const mine = annotations.filter(
    ({ on, platform }) =>
      on === 'manifest-descriptor' &&
      (platform === undefined || (entry.platform !== undefined && isSame(platform, entry.platform))),
  )
  if (mine.length === 0) return entry
  return { ...entry, annotations: { ...entry.annotations, ...Object.fromEntries(mine.map(pairOf)) } }
}

const isSame = (a: Platform, b: Platform): boolean =>
  formatPlatform(normalizePlatform(a)) === formatPlatform(normalizePlatform(b))

const pairOf = ({ key, value }: Annotation): [string, string] => [key, value]

function checkAnnotations(annotations: readonly Annotation[]): void {
  for (const { on } of annotations) {
    if (on === 'manifest') throw fail('USAGE_INVALID', `"${on}" annotations are not supported yet`, HINT)
    if (on === 'index-descriptor') {
      throw fail('USAGE_INVALID', `"${on}" annotations are not supported while creating an image`, HINT)
    }
  }
}

const HINT = { hint: 'The manifests stay as they are; write index:KEY=VALUE or manifest-descriptor:KEY=VALUE.' }
