import { collectBytes, fail, hasCode, isJsonObject, type Job, type Json, parseJson } from '../../core/index.ts'
import {
  type Descriptor,
  formatPlatform,
  formatReference,
  type ImageConfig,
  type ImageSource,
  isAttestation,
  normalizePlatform,
  readConfig,
  readImageDocument,
} from '../../oci/index.ts'
import type { Household, RegistryWishes } from '../registry/repository.ts'
import { type OpenSource, withSource } from './open.ts'
import { type Place, parsePlace } from './place.ts'
import { withSurroundings } from './surroundings.ts'

/** An image with what is attached to it, as its manifests say. */
export interface ImageManifests {
  /** As it was asked for, completed. */
  name: string
  /** Of the index or manifest. */
  descriptor: Descriptor
  /** The document itself. */
  raw: Buffer
  /** The entries of an index; none for a single manifest. */
  manifests: readonly Descriptor[]
  /** None when they were not asked for. */
  platforms: PlatformManifests[]
}

/** One platform of an image. */
export interface PlatformManifests {
  platform: string
  digest: string
  /** Missing when the platform is not there. */
  config?: ImageConfig
  /** Statements about it, in the order in which they are attached. */
  attestations: { predicateType: string; predicate: Json }[]
}

/** What to look at. */
export interface InspectIndexRequest extends RegistryWishes {
  /** A place. A bare name is in a registry when it says in which one; others are in the store, or else in a registry. */
  name: string
  /** Reads also configs and statements. */
  details?: boolean
}

const MOST_STATEMENT = 64 << 20
const MOST_PLATFORMS = 200

/**
 * The manifests of an image and the statements that are attached to its platforms. Fails with `IMAGE_NOT_FOUND`;
 * attestations that are damaged or not there are left out.
 */
export async function inspectIndex(
  household: Household,
  request: InspectIndexRequest,
  job: Job,
): Promise<ImageManifests> {
  const { name: text, details = false } = request
  const place = find(household, text)
  return withSurroundings(household, request, (surroundings) =>
    withSource(
      place,
      surroundings,
      (source) => manifestsOf(source, { name: nameOf(household, place, text), details }, job),
      job,
    ),
  )
}

function find({ store }: Household, text: string): Place {
  const place = parsePlace(text)
  if (place.kind !== 'store' || text.startsWith('store:')) return place
  return !namesHost(text) && store.images.find(text) ? place : parsePlace(text, { bare: 'registry' })
}

/** Whether a name says in which registry it is: `localhost/app`, `example.com/app`, `host:5000/app`. */
function namesHost(text: string): boolean {
  const host = text.slice(0, Math.max(text.indexOf('/'), 0))
  return host === 'localhost' || /[.:]/.test(host)
}

function nameOf({ store }: Household, place: Place, text: string): string {
  if (place.kind === 'registry') return formatReference(place.reference)
  const found = place.kind === 'store' ? store.images.find(place.name) : undefined
  return found ? (found.name ?? found.image.descriptor.digest) : text
}

async function manifestsOf(
  { from, ref }: OpenSource,
  { name, details }: { name: string; details: boolean },
  job: Job,
): Promise<ImageManifests> {
  const descriptor = await from.resolve(ref, job)
  const { bytes: raw, document } = await readImageDocument(from, descriptor, job)
  const manifests = document.kind === 'index' ? document.index.manifests : []
  const images = document.kind === 'index' ? manifests.filter((entry) => !isAttestation(entry)) : [descriptor]
  const platforms: PlatformManifests[] = []
  for (const entry of details ? images.slice(0, MOST_PLATFORMS) : []) {
    platforms.push(await platformManifests(from, entry, manifests, job))
  }
  return { name, descriptor, raw, manifests, platforms }
}

async function platformManifests(
  from: ImageSource,
  entry: Descriptor,
  all: readonly Descriptor[],
  job: Job,
): Promise<PlatformManifests> {
  const about = all.filter((each) => each.annotations?.['vnd.docker.reference.digest'] === entry.digest)
  const config = await configOf(from, entry, job)
  const platform = entry.platform ?? config
  const attestations: PlatformManifests['attestations'] = []
  for (const each of about.filter(isAttestation)) attestations.push(...(await statementsOf(from, each, job)))
  return {
    platform: platform ? formatPlatform(normalizePlatform(platform)) : 'unknown',
    digest: entry.digest,
    ...(config ? { config } : {}),
    attestations,
  }
}

function configOf(from: ImageSource, entry: Descriptor, job: Job): Promise<ImageConfig | undefined> {
  return attempt(from, entry, job, async () => {
    const { document } = await readImageDocument(from, entry, job)
    if (document.kind === 'index') return undefined
    return (await readConfig(from, document.manifest.config, job)).config
  })
}

async function statementsOf(
  from: ImageSource,
  entry: Descriptor,
  job: Job,
): Promise<PlatformManifests['attestations']> {
  const found = await attempt(from, entry, job, async () => (await readImageDocument(from, entry, job)).document)
  const layers = found?.kind === 'manifest' ? found.manifest.layers : []
  const statements: PlatformManifests['attestations'] = []
  for (const layer of layers) {
    if (layer.size > MOST_STATEMENT) continue
    const statement = await attempt(from, layer, job, () => readStatement(from, layer, job))
    if (!isJsonObject(statement) || typeof statement['predicateType'] !== 'string') continue
    statements.push({ predicateType: statement['predicateType'], predicate: statement['predicate'] ?? null })
  }
  return statements
}

async function readStatement(from: ImageSource, layer: Descriptor, job: Job): Promise<Json> {
  const tooLarge = (): Error => fail('JSON_INVALID', 'the attestation is too large')
  const bytes = await collectBytes(from.read(layer, undefined, job), MOST_STATEMENT, tooLarge)
  return parseJson(bytes, { what: 'attestation', maxBytes: MOST_STATEMENT, maxDepth: 256 })
}

/** What is not there, or not what it should be, is left out; a store or an archive has often not all platforms. */
async function attempt<T>(
  from: ImageSource,
  entry: Descriptor,
  job: Job,
  work: () => Promise<T>,
): Promise<T | undefined> {
  try {
    return (await from.has(entry, job)) ? await work() : undefined
  } catch (error) {
    if (hasCode(error, 'BLOB_NOT_FOUND', 'CONTENT_MISMATCH', 'JSON_INVALID', 'MANIFEST_INVALID', 'CONFIG_INVALID')) {
      return undefined
    }
    throw error
  }
}
