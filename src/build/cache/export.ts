import { createReadStream } from 'node:fs'
import { bytesOf, type Digest, type Job, runTask } from '../../core/index.ts'
import { gzip, zstd } from '../../layer/index.ts'
import {
  createIndex,
  type Descriptor,
  descriptorOf,
  type ImageTarget,
  MEDIA,
  type WrittenDocument,
  writeIndex,
  writeManifest,
} from '../../oci/index.ts'
import type { Lease, StepRecord, Store } from '../../store/index.ts'
import { CACHE_CONFIG, type CacheLayer, writeCache } from './document.ts'

/** How layers travel. */
export interface CacheCompression {
  kind: 'uncompressed' | 'gzip' | 'zstd'
  level?: number
}

/** What to export, and how. */
export interface CacheExport {
  /** Keys of the steps; those that are not remembered are left out. */
  keys: readonly Digest[]
  compression: CacheCompression
  /** As an image manifest, which any tool can copy, or as an index, as old versions of BuildKit did. */
  imageManifest: boolean
  /** Its name at the target. */
  tag: string
  /** The task whose parts are reported. */
  task: string
}

/** Writes steps and their layers to a place for images, under a name: layers first. What is there is not written again. */
export async function exportCache(
  places: { store: Store; lease: Lease; target: ImageTarget },
  { keys, compression, imageManifest, tag, task }: CacheExport,
  job: Job,
): Promise<Descriptor> {
  const { store, lease, target } = places
  const steps = keys.flatMap((key) => store.steps.get(key) ?? [])
  const diffIds = [...new Set(steps.flatMap((step) => step.diffIds))]
  lease.hold(diffIds)
  const layers: CacheLayer[] = []
  for (const diffId of diffIds.filter((each) => store.layers.get(each))) {
    const id = `${task} ${diffId}`
    const write = (): Promise<Descriptor> => writeLayer(places, diffId, compression, job)
    const descriptor = await runTask(job, { id, name: `writing layer ${diffId}`, parent: task }, write)
    layers.push({ descriptor, diffId })
  }
  const written = new Set(layers.map(({ diffId }) => diffId))
  const complete = (step: StepRecord): boolean => step.diffIds.every((diffId) => written.has(diffId))
  const bytes = writeCache({ steps: steps.filter(complete), layers })
  const config = descriptorOf(bytes, CACHE_CONFIG)
  await target.write(config, bytesOf(bytes), {}, job)
  const manifest = manifestOf(
    config,
    layers.map((layer) => layer.descriptor),
    imageManifest,
  )
  await target.write(manifest.descriptor, bytesOf(manifest.bytes), {}, job)
  await target.tag(tag, manifest.descriptor, job)
  return manifest.descriptor
}

function manifestOf(config: Descriptor, layers: readonly Descriptor[], imageManifest: boolean): WrittenDocument {
  if (!imageManifest) return writeIndex(createIndex([...layers, config]))
  return writeManifest({ schemaVersion: 2, mediaType: MEDIA.ociManifest, config, layers })
}

const MEDIA_TYPES = {
  uncompressed: MEDIA.ociLayer,
  gzip: MEDIA.ociLayerGzip,
  zstd: MEDIA.ociLayerZstd,
} as const

const KIND = 'compressed-layer'

async function writeLayer(
  { store, lease, target }: { store: Store; lease: Lease; target: ImageTarget },
  diffId: Digest,
  compression: CacheCompression,
  job: Job,
): Promise<Descriptor> {
  const mediaType = MEDIA_TYPES[compression.kind]
  if (compression.kind === 'uncompressed') {
    const descriptor = { mediaType, digest: diffId, size: store.blobs.size(diffId)! }
    await target.write(descriptor, store.blobs.read(diffId, undefined, job), {}, job)
    return descriptor
  }
  const memo = `${compression.kind} ${compression.level ?? ''} ${diffId}`
  const known = JSON.parse(store.memos.getText(KIND, memo) ?? 'null') as { digest: Digest; size: number } | null
  if (known && (await target.has({ mediaType, ...known }))) return { mediaType, ...known }
  const options = compression.level === undefined ? {} : { level: compression.level }
  const plain = store.blobs.readPassing(diffId, job)
  const packed = compression.kind === 'gzip' ? gzip(plain, options) : zstd(plain, options)
  const { path, digest, size } = await store.blobs.writeTemporary(packed, lease, job)
  store.memos.set(KIND, memo, JSON.stringify({ digest, size }))
  const descriptor = { mediaType, digest, size }
  await target.write(descriptor, createReadStream(path), {}, job)
  return descriptor
}
