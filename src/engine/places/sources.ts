import { type Digest, fail, isDigest, isJsonObject, type Job, parseJson } from '../../core/index.ts'
import {
  type Descriptor,
  type ImageDocument,
  type ImageSource,
  isConfigType,
  LIMITS,
  MEDIA,
  type Platform,
  parseIndex,
  readConfig,
  readImageDocument,
  writeIndex,
} from '../../oci/index.ts'
import type { Ingredient } from './combine.ts'
import { type OpenSource, type Surroundings, withSource } from './open.ts'
import { type Place, parsePlace } from './place.ts'

/** Something that goes into an index, as a user names it: a place, a digest, or a descriptor as JSON. */
export interface NamedSource {
  readonly place: Place
  /** What the descriptor said of it. */
  readonly stated?: Pick<Descriptor, 'platform' | 'annotations'>
}

/** A source that was found. */
export interface FoundSource extends Ingredient {
  readonly source: OpenSource
}

const MOST_TEXT = 65_536

/** Reads what users write for sources. A digest alone is looked for in `repository`. Fails with `USAGE_INVALID`. */
export function parseSource(text: string, repository: string | undefined): NamedSource {
  const named = text.trim()
  if (isDigest(named)) return { place: inRepository(repository, named) }
  if (!named.startsWith('{')) return { place: parsePlace(named, { bare: 'registry' }) }
  const value = parseJson(Buffer.from(named), { what: 'descriptor', maxBytes: MOST_TEXT })
  if (!isJsonObject(value)) throw fail('USAGE_INVALID', 'a source descriptor is a JSON object')
  // checked as the entry of an index that it becomes; type and size are those of what is found
  const entry = { mediaType: MEDIA.ociManifest, size: 0, ...value }
  const { manifests } = parseIndex(
    Buffer.from(JSON.stringify({ schemaVersion: 2, manifests: [entry] })),
    MEDIA.ociIndex,
  )
  const { digest, platform, annotations } = manifests[0]!
  const stated = { ...(platform ? { platform } : {}), ...(annotations ? { annotations } : {}) }
  return { place: inRepository(repository, digest), stated }
}

function inRepository(repository: string | undefined, digest: Digest): Place {
  if (repository !== undefined) return parsePlace(`docker://${repository}@${digest}`)
  throw fail('USAGE_INVALID', `multiple repositories specified, cannot determine repository for "${digest}"`, {
    hint: 'Write NAME@DIGEST.',
  })
}

/** Opens all sources, and reads what they stand for, for the time of `work`. */
export async function withSources<T>(
  named: readonly NamedSource[],
  surroundings: Surroundings,
  work: (found: readonly FoundSource[]) => Promise<T>,
  job: Job,
): Promise<T> {
  const found: FoundSource[] = []
  const next = async (position: number): Promise<T> => {
    const current = named[position]
    if (!current) return await work(found)
    return await withSource(
      current.place,
      surroundings,
      async (source) => {
        found.push({ source, ...(await ingredientOf(source, current, job)) })
        return next(position + 1)
      },
      job,
    )
  }
  return await next(0)
}

async function ingredientOf(source: OpenSource, { stated }: NamedSource, job: Job): Promise<Ingredient> {
  const { mediaType, digest, size } = await source.from.resolve(source.ref, job)
  const { bytes, document } = await readImageDocument(source.from, { mediaType, digest, size }, job)
  if (document.kind === 'index')
    return available(source, { bytes, descriptor: { mediaType, digest, size } }, document, job)
  const platform = stated?.platform ?? (await platformOf(source.from, document, job))
  const descriptor = { mediaType, digest, size, ...(platform ? { platform } : {}), ...stated }
  return { bytes, descriptor }
}

/** An index as far as its images are there: of what a store or an archive has not, nothing can be copied. */
async function available(
  { all, from }: OpenSource,
  ingredient: Ingredient,
  { index }: ImageDocument & { kind: 'index' },
  job: Job,
): Promise<Ingredient> {
  if (all === 'all') return ingredient
  const there = await Promise.all(index.manifests.map((entry) => from.has(entry, job)))
  if (there.every(Boolean)) return ingredient
  return writeIndex({ ...index, manifests: index.manifests.filter((_, i) => there[i]) })
}

/** The platform that the config of an image says; none for what is no image. */
export async function platformOf(
  from: ImageSource,
  { manifest }: ImageDocument & { kind: 'manifest' },
  job: Job,
): Promise<Platform | undefined> {
  const { config } = manifest
  if (!isConfigType(config.mediaType) || config.size > LIMITS.configBytes) return undefined
  const { os, architecture, variant, ...rest } = (await readConfig(from, config, job)).config
  const { 'os.version': version, 'os.features': features } = rest
  return {
    architecture,
    os,
    ...(version ? { 'os.version': version } : {}),
    ...(features ? { 'os.features': features } : {}),
    ...(variant ? { variant } : {}),
  }
}
