import { compressLayer, type LayerCompression } from '../../build/index.ts'
import { type Digest, fail, isJsonObject, type Job, mapLimit, parseJson } from '../../core/index.ts'
import {
  type Descriptor,
  type Index,
  isAttestation,
  isImageManifest,
  isLayerType,
  LIMITS,
  type Manifest,
  MEDIA,
  parseImageDocument,
  parseManifest,
  type WrittenDocument,
  writeIndex,
  writeManifest,
} from '../../oci/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import { compressProgress } from './compress-progress.ts'

/** Where the parts of an image are, and how its layers are to travel. */
export interface Repacking {
  store: Store
  lease: Lease
  compression: LayerCompression
  /** The task that compression is told as parts of; it is not told when missing. */
  task?: string
}

/**
 * The image as it travels: plain layers are compressed, and the manifests and indexes above name what they became. What
 * is compressed already stays, unless it is forced. The new documents are in the store, under the lease; an image that
 * needs no change is itself.
 */
export async function repackImage(packing: Repacking, root: Descriptor, job: Job): Promise<Descriptor> {
  if (!packing.store.blobs.has(root.digest)) return root
  const document = parseImageDocument(packing.store.blobs.readWhole(root.digest), root.mediaType)
  if (document.kind === 'index') return repackIndex(packing, root, document.index, job)
  if (!isImageManifest(document.manifest)) return root
  const { manifest } = document
  const layers = await mapLimit(manifest.layers, 2, (layer) => repackLayer(packing, layer, manifest, job))
  if (layers.every((layer, at) => layer === manifest.layers[at])) return root
  return keep(packing, root, writeManifest({ ...manifest, layers }))
}

async function repackIndex(packing: Repacking, root: Descriptor, index: Index, job: Job): Promise<Descriptor> {
  const became = new Map<Digest, Descriptor>()
  for (const entry of index.manifests) {
    if (!isAttestation(entry)) became.set(entry.digest, await repackImage(packing, entry, job))
  }
  if ([...became].every(([digest, now]) => now.digest === digest)) return root
  const manifests = index.manifests.map((entry) => became.get(entry.digest) ?? restate(packing, entry, became))
  return keep(packing, root, writeIndex({ ...index, manifests }))
}

async function repackLayer(packing: Repacking, layer: Descriptor, manifest: Manifest, job: Job): Promise<Descriptor> {
  const { store, lease, compression } = packing
  if (!isLayerType(layer.mediaType)) return layer
  const diffId = store.layers.get(layer.digest) ? layer.digest : store.layers.diffIdOf(layer.digest)
  const record = diffId && store.layers.get(diffId)
  if (!record || (record.diffId !== layer.digest && !compression.force)) return layer
  const mediaTypes = manifest.mediaType === MEDIA.dockerManifest ? 'docker' : 'oci'
  const { passed, end } = compressProgress(record, packing.task, job)
  const packed = await compressLayer(store, record, { ...compression, mediaTypes, lease, passed }, job)
  end()
  return { ...layer, ...packed }
}

/** Statements about an image that became another one are about that now. */
function restate(packing: Repacking, entry: Descriptor, became: ReadonlyMap<Digest, Descriptor>): Descriptor {
  const about = entry.annotations?.['vnd.docker.reference.digest'] as Digest | undefined
  const now = about === undefined ? undefined : became.get(about)
  const { blobs } = packing.store
  if (!now || !blobs.has(entry.digest)) return entry
  const manifest = parseManifest(blobs.readWhole(entry.digest))
  const layers = manifest.layers.map((layer) => restateLayer(packing, layer, { from: about!, to: now.digest }))
  const config = restateConfig(packing, manifest.config, layers)
  const subject = manifest.subject ? { subject: { ...manifest.subject, digest: now.digest, size: now.size } } : {}
  const kept = keep(packing, entry, writeManifest({ ...manifest, config, layers, ...subject }))
  return { ...kept, annotations: { ...entry.annotations, 'vnd.docker.reference.digest': now.digest } }
}

function restateLayer(packing: Repacking, layer: Descriptor, { from, to }: { from: Digest; to: Digest }): Descriptor {
  if (layer.size > LIMITS.configBytes) return layer
  const statement = readObject(packing, layer)
  const subjects = Array.isArray(statement['subject']) ? statement['subject'] : []
  const subject = subjects.map((each) =>
    isJsonObject(each) && isJsonObject(each['digest']) && each['digest']['sha256'] === from.slice(7)
      ? { ...each, digest: { ...each['digest'], sha256: to.slice(7) } }
      : each,
  )
  return keepBytes(packing, layer, JSON.stringify({ ...statement, subject }))
}

/** The config of a statement lists what its layers hold, as one of an image does. */
function restateConfig(packing: Repacking, config: Descriptor, layers: readonly Descriptor[]): Descriptor {
  const document = readObject(packing, config)
  if (!isJsonObject(document['rootfs'])) return config
  const rootfs = { ...document['rootfs'], diff_ids: layers.map(({ digest }) => digest) }
  return keepBytes(packing, config, JSON.stringify({ ...document, rootfs }))
}

function readObject({ store }: Repacking, { digest }: Descriptor): Record<string, unknown> {
  const options = { what: 'attestation', maxBytes: LIMITS.configBytes, maxDepth: 256 }
  const value = parseJson(store.blobs.readWhole(digest), options)
  if (!isJsonObject(value)) throw fail('ATTESTATION_INVALID', `attestation ${digest} is no object`)
  return value
}

function keepBytes({ store, lease }: Repacking, descriptor: Descriptor, text: string): Descriptor {
  const bytes = Buffer.from(text)
  return { ...descriptor, digest: store.blobs.writeWhole(bytes, lease), size: bytes.length }
}

/** The same entry for another document, which is in the store now. */
function keep({ store, lease }: Repacking, entry: Descriptor, { bytes, descriptor }: WrittenDocument): Descriptor {
  store.blobs.writeWhole(bytes, lease, descriptor.digest)
  const { digest, size } = descriptor
  return { ...entry, digest, size }
}
