import { isJsonObject, type Json, parseJson } from '../core/index.ts'
import {
  type Descriptor,
  formatPlatform,
  type ImageConfig,
  isAttestation,
  normalizePlatform,
  parseConfig,
  parseImageDocument,
  parseManifest,
} from '../oci/index.ts'
import type { Store } from '../store/index.ts'
import { findImage } from './images.ts'

/** An image with what is attached to it, as its manifests say. */
export interface ImageManifests {
  /** The full name it was found by, else its digest. */
  name: string
  /** Of the index or manifest. */
  descriptor: Descriptor
  /** The document itself. */
  raw: Buffer
  /** The entries of an index; none for a single manifest. */
  manifests: readonly Descriptor[]
  platforms: PlatformManifests[]
}

/** One platform of an image. */
export interface PlatformManifests {
  platform: string
  digest: string
  /** Missing when the platform is not in the store. */
  config?: ImageConfig
  /** Statements about it, in the order in which they are attached. */
  attestations: { predicateType: string; predicate: Json }[]
}

const MOST_STATEMENT = 64 << 20

/**
 * The manifests of an image and the statements that are attached to its platforms. Fails with `IMAGE_NOT_FOUND`;
 * attestations that are damaged or not here are left out.
 */
export function imageManifests(store: Store, text: string): ImageManifests {
  const { image, name } = findImage(store, text)
  const { descriptor } = image
  const raw = Buffer.from(store.blobs.readWhole(descriptor.digest))
  const document = parseImageDocument(raw, descriptor.mediaType)
  const manifests = document.kind === 'index' ? document.index.manifests : []
  const images = document.kind === 'index' ? manifests.filter((entry) => !isAttestation(entry)) : [descriptor]
  const platforms = images.map((entry) => platformManifests(store, entry, manifests))
  return { name: name ?? descriptor.digest, descriptor, raw, manifests, platforms }
}

function platformManifests(store: Store, entry: Descriptor, all: readonly Descriptor[]): PlatformManifests {
  const about = all.filter((each) => each.annotations?.['vnd.docker.reference.digest'] === entry.digest)
  const config = configOf(store, entry)
  const platform = entry.platform ?? config
  return {
    platform: platform ? formatPlatform(normalizePlatform(platform)) : 'unknown',
    digest: entry.digest,
    ...(config ? { config } : {}),
    attestations: about.filter(isAttestation).flatMap((each) => statementsOf(store, each)),
  }
}

function configOf(store: Store, entry: Descriptor): ImageConfig | undefined {
  return attempt(() =>
    parseConfig(store.blobs.readWhole(parseManifest(store.blobs.readWhole(entry.digest)).config.digest)),
  )
}

function statementsOf(store: Store, entry: Descriptor): PlatformManifests['attestations'] {
  const layers = attempt(() => parseManifest(store.blobs.readWhole(entry.digest)).layers) ?? []
  return layers.flatMap(({ digest, size }) => {
    if (size > MOST_STATEMENT) return []
    const statement = attempt(() =>
      parseJson(store.blobs.readWhole(digest), { what: 'attestation', maxBytes: MOST_STATEMENT, maxDepth: 256 }),
    )
    if (!isJsonObject(statement) || typeof statement['predicateType'] !== 'string') return []
    return [{ predicateType: statement['predicateType'], predicate: statement['predicate'] ?? null }]
  })
}

function attempt<T>(work: () => T): T | undefined {
  try {
    return work()
  } catch {
    return undefined // not in the store, or not what it should be
  }
}
