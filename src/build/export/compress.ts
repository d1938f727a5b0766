import { closeSync, openSync, readSync } from 'node:fs'
import type { Bytes, Digest, Job } from '../../core/index.ts'
import { gzip, SNIFF_BYTES, sniffCompression, zstd } from '../../layer/index.ts'
import { type Descriptor, MEDIA } from '../../oci/index.ts'
import type { LayerRecord, Lease, Store } from '../../store/index.ts'

/** How layers travel. */
export interface LayerCompression {
  algorithm: 'uncompressed' | 'gzip' | 'zstd'
  /** gzip 0 to 9, zstd 1 to 22. */
  level?: number
  /** Compress what came compressed by somebody else, too: the result depends on the files alone. */
  force: boolean
}

/** Where a compressed layer goes, and who is told how far it is. */
interface Making {
  lease: Lease
  /** Called with the number of bytes that were read; not at all when the layer is compressed already. */
  passed?(bytes: number): void
}

const MEMO = 'compressed layer'

/**
 * A layer as it travels: the descriptor of its blob, which is in the store under the lease. It is compressed once; a
 * layer that came in this compression keeps the bytes it came with, unless `force` or a level says otherwise.
 */
export async function compressLayer(
  store: Store,
  layer: LayerRecord,
  options: LayerCompression & Making & { mediaTypes: 'oci' | 'docker' },
  job: Job,
): Promise<Descriptor> {
  const { algorithm, lease } = options
  const mediaType = MEDIA_TYPES[options.mediaTypes][algorithm]
  if (algorithm === 'uncompressed') return { mediaType, digest: layer.diffId, size: layer.size }
  const digest = find(store, layer, options, algorithm) ?? (await make(store, layer, options, job))
  lease.hold([layer.diffId])
  return { mediaType, digest, size: store.blobs.size(digest)! }
}

const MEDIA_TYPES = {
  oci: { uncompressed: MEDIA.ociLayer, gzip: MEDIA.ociLayerGzip, zstd: MEDIA.ociLayerZstd },
  docker: { uncompressed: MEDIA.dockerLayer, gzip: MEDIA.dockerLayerGzip, zstd: MEDIA.dockerLayerZstd },
} as const

/** What was made here is known by the way it was made; of what came from elsewhere, only the algorithm counts. */
function find(
  store: Store,
  { diffId }: LayerRecord,
  { lease, level, force }: LayerCompression & { lease: Lease },
  algorithm: 'gzip' | 'zstd',
): Digest | undefined {
  const own = store.memos.getText(MEMO, keyOf(diffId, algorithm, level)) as Digest | undefined
  if (own) lease.hold([own])
  if (own && store.blobs.has(own)) return own
  if (force || level !== undefined) return undefined
  const forms = store.layers.compressedForms(diffId)
  lease.hold(forms)
  return forms.find((digest) => {
    if (!store.blobs.has(digest) || store.memos.get(MEMO, digest)) return false
    return sniffed(store.blobs.path(digest)) === algorithm
  })
}

async function make(
  store: Store,
  { diffId }: LayerRecord,
  { algorithm, level, lease, passed }: LayerCompression & Making,
  job: Job,
): Promise<Digest> {
  const plain = counted(store.blobs.readPassing(diffId, job), passed)
  const how = level === undefined ? {} : { level }
  const bytes: Bytes = algorithm === 'gzip' ? gzip(plain, how) : zstd(plain, how)
  const { path, digest, size } = await store.blobs.writeTemporary(bytes, lease, job)
  store.blobs.adopt(path, digest, size, lease)
  store.layers.rememberCompressed(digest, diffId)
  store.memos.set(MEMO, keyOf(diffId, algorithm, level), digest)
  store.memos.set(MEMO, digest, 'made here')
  return digest
}

async function* counted(bytes: Bytes, passed: Making['passed']): Bytes {
  for await (const chunk of bytes) {
    passed?.(chunk.length)
    yield chunk
  }
}

function keyOf(diffId: Digest, algorithm: string, level: number | undefined): string {
  return `${diffId} ${algorithm} ${level ?? 'default'}`
}

function sniffed(file: string): string {
  const fd = openSync(file, 'r')
  try {
    const head = Buffer.alloc(SNIFF_BYTES)
    return sniffCompression(head.subarray(0, readSync(fd, head)))
  } finally {
    closeSync(fd)
  }
}
