import { type Digest, hasCode } from '../../../core/index.ts'
import { type ImageDocument, LIMITS, parseImageDocument } from '../../../oci/index.ts'
import type { Store } from '../../../store/index.ts'
import type { StoredManifest } from '../storage.ts'

/** What a manifest in the store is and names. */
interface Facts {
  readonly mediaType: string
  readonly manifests: readonly Digest[]
  readonly blobs: readonly Digest[]
}

/** Manifests whose facts are remembered; they depend on nothing but their bytes. */
const MOST = 10_000

/** What can be reached from an image in the local store. */
export class Contents {
  readonly #store: Store
  readonly #facts = new Map<Digest, Facts>()

  constructor(store: Store) {
    this.#store = store
  }

  /** A manifest or index, byte for byte; `undefined` when the store does not have it. */
  manifest(digest: Digest): StoredManifest | undefined {
    if (!this.#store.blobs.has(digest)) return undefined
    const facts = this.#factsOf(digest)
    return facts && { digest, mediaType: facts.mediaType, bytes: this.#store.blobs.readWhole(digest) }
  }

  /** Whether something is, or is named by, one of these manifests, those they list, or those that refer to them. */
  reaches(roots: Iterable<Digest>, wanted: Digest, kind: 'manifest' | 'blob'): boolean {
    const seen = new Set<Digest>()
    const queue = [...roots]
    for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
      if (seen.has(next)) continue
      seen.add(next)
      if (kind === 'manifest' && next === wanted) return true
      const facts = this.#factsOf(next)
      if (kind === 'blob' && facts?.blobs.includes(wanted)) return true
      queue.push(...(facts?.manifests ?? []))
      for (const entry of this.#store.referrers.list(next)) queue.push(entry.digest)
    }
    return false
  }

  #factsOf(digest: Digest): Facts | undefined {
    const known = this.#facts.get(digest)
    if (known) return known
    const size = this.#store.blobs.size(digest)
    if (size === undefined || size > LIMITS.manifestBytes) return undefined
    const document = documentOf(this.#store.blobs.readWhole(digest))
    if (!document) return undefined
    const facts = describe(document)
    if (this.#facts.size >= MOST) this.#facts.clear()
    this.#facts.set(digest, facts)
    return facts
  }
}

/** `undefined` for other content: layers and configs are blobs of the store as well. */
function documentOf(bytes: Buffer): ImageDocument | undefined {
  try {
    return parseImageDocument(bytes)
  } catch (error) {
    if (hasCode(error, 'JSON_INVALID', 'MANIFEST_INVALID', 'MANIFEST_UNSUPPORTED')) return undefined
    throw error
  }
}

function describe(document: ImageDocument): Facts {
  const { mediaType } = document
  if (document.kind === 'index') {
    return { mediaType, manifests: document.index.manifests.map(({ digest }) => digest), blobs: [] }
  }
  const { config, layers } = document.manifest
  return { mediaType, manifests: [], blobs: [config.digest, ...layers.map(({ digest }) => digest)] }
}
