import { type Digest, digestHex, fail, isJsonObject, type Json, parseJson, type SlipwayError } from '../core/index.ts'
import {
  type Descriptor,
  familiarReference,
  formatReference,
  goJson,
  type ImageReference,
  LIMITS,
  MEDIA,
  parseReference,
  withDefaultTag,
} from '../oci/index.ts'

/** One image of `manifest.json`, the list of images in what `docker save` writes. */
export interface DockerArchiveItem {
  /** Members of the archive. */
  readonly config: string
  readonly layers: readonly string[]
  /** Whole names. */
  readonly names: readonly string[]
}

const MOST_IMAGES = 10_000

/** The list of images. Fails with `ARCHIVE_INVALID` and `JSON_INVALID`. */
export function parseDockerManifest(bytes: Uint8Array): DockerArchiveItem[] {
  const value = parseJson(bytes, { what: 'manifest.json', maxBytes: LIMITS.configBytes })
  if (value === null) return []
  if (!Array.isArray(value)) throw invalid('manifest.json is not a list')
  if (value.length > MOST_IMAGES) throw invalid(`manifest.json lists more than ${MOST_IMAGES} images`)
  return value.map((item, i) => {
    if (!isJsonObject(item)) throw invalid(`manifest.json: item ${i} is not an object`)
    const { Config: config } = item
    if (typeof config !== 'string' || config === '') throw invalid(`manifest.json: item ${i} has no Config`)
    const layers = texts(item['Layers'], `manifest.json: Layers of item ${i}`)
    if (layers.length > LIMITS.layers) throw invalid(`manifest.json: item ${i} has more than ${LIMITS.layers} layers`)
    return { config, layers, names: texts(item['RepoTags'], `manifest.json: RepoTags of item ${i}`).map(wholeName) }
  })
}

/** An image to be listed. */
export interface DockerArchiveImageSource {
  readonly config: Descriptor
  readonly layers: readonly Descriptor[]
  readonly diffIds: readonly Digest[]
  /** References with a tag. */
  readonly names: readonly ImageReference[]
}

/** `manifest.json` as Docker writes it from version 25 on: paths into `blobs/`, and what plain layers are. */
export function writeDockerManifest(images: readonly DockerArchiveImageSource[]): string {
  const items = images.map(({ config, layers, diffIds, names }) => ({
    Config: blobPath(config.digest),
    RepoTags: names.length > 0 ? names.map(familiarReference) : null,
    Layers: layers.map((layer) => blobPath(layer.digest)),
    ...(layers.length > 0 && layers.every(isPlain) ? { LayerSources: layerSources(layers, diffIds) } : {}),
  }))
  return goJson(items)
}

/** `repositories`, where Docker before 1.10 found names: repository to tag to top layer. `undefined` without names. */
export function writeDockerRepositories(images: readonly DockerArchiveImageSource[]): string | undefined {
  const repositories = new Map<string, Map<string, string>>()
  for (const { layers, names } of images) {
    for (const { tag, ...repository } of layers.length > 0 ? names : []) {
      const name = familiarReference(repository)
      const tags = repositories.get(name) ?? new Map<string, string>()
      repositories.set(name, tags.set(tag!, digestHex(layers.at(-1)!.digest)))
    }
  }
  return repositories.size > 0 ? goJson(sorted(repositories, (tags) => sorted(tags, String))) : undefined
}

/** Where a blob lies in an OCI layout. */
export function blobPath(digest: Digest): string {
  return `blobs/${digest.replace(':', '/')}`
}
function texts(value: Json | undefined, what: string): string[] {
  if (value === undefined || value === null) return []
  if (Array.isArray(value) && value.every((text) => typeof text === 'string')) return value
  throw invalid(`${what} is not a list of strings`)
}

function wholeName(tag: string): string {
  try {
    return formatReference(withDefaultTag(parseReference(tag)))
  } catch (cause) {
    throw fail('ARCHIVE_INVALID', `invalid tag ${JSON.stringify(tag.slice(0, 200))} in manifest.json`, { cause })
  }
}

function isPlain({ mediaType }: Descriptor): boolean {
  return mediaType === MEDIA.ociLayer || mediaType === MEDIA.dockerLayer
}

function layerSources(layers: readonly Descriptor[], diffIds: readonly Digest[]): object {
  const sources = layers.map(
    ({ digest, size }, i) => [diffIds[i]!, { mediaType: MEDIA.ociLayer, size, digest }] as const,
  )
  return sorted(new Map(sources), (source) => source)
}

/** The map as an object with its keys in order, as Go writes maps. */
function sorted<T, R>(map: ReadonlyMap<string, T>, value: (item: T) => R): Record<string, R> {
  const keys = [...map.keys()].sort()
  return Object.fromEntries(keys.map((key) => [key, value(map.get(key)!)]))
}

function invalid(message: string): SlipwayError {
  return fail('ARCHIVE_INVALID', `invalid image archive: ${message}`)
}
