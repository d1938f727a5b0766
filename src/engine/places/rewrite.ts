import type { LayerCompression } from '../../build/index.ts'
import { fail, type Job } from '../../core/index.ts'
import type { ImageSource } from '../../oci/index.ts'
import { openRepository } from '../../store/index.ts'
import { copyImage, type Selection } from '../../transfer/index.ts'
import { repackImage } from '../registry/repack.ts'
import { convertImage, type ManifestFormat } from './convert.ts'
import type { OpenSource, Surroundings } from './open.ts'

/** How a copy is to differ from its source; as it is when nothing is said. */
export interface RewriteRequest {
  /** How layers are compressed. */
  compression?: LayerCompression
  /** Whose media types its manifests have. */
  format?: ManifestFormat
  /** An image that would get another digest is refused. */
  preserveDigests?: boolean
}

/** What is copied then. */
export interface Rewritten {
  readonly from: ImageSource
  readonly ref: string
  readonly select: Selection
}

/**
 * The source as its copy shall be. Layers that are compressed pass through the store. Fails with `PLACE_UNSUPPORTED` when
 * digests would change that must not.
 */
export async function rewrite(
  source: OpenSource,
  request: RewriteRequest & { select: Selection },
  surroundings: Surroundings,
  job: Job,
): Promise<Rewritten> {
  const { compression, format, select } = request
  const plain: Rewritten = { from: source.from, ref: source.ref, select }
  const packed = compression ? await repacked(plain, { ...request, compression }, surroundings, job) : plain
  return format ? await converted(packed, { ...request, format }, job) : packed
}

async function repacked(
  { from, ref, select }: Rewritten,
  { compression, preserveDigests }: RewriteRequest & { compression: LayerCompression },
  { store, lease }: Surroundings,
  job: Job,
): Promise<Rewritten> {
  const repository = openRepository(store, lease)
  const { root } = await copyImage(from, repository, { ref, select }, job)
  const packed = await repackImage({ store, lease, compression }, root, job)
  if (preserveDigests && packed.digest !== root.digest) throw changed('compressing its layers')
  return { from: repository, ref: packed.digest, select: typeof select === 'string' ? 'available' : 'all' }
}

async function converted(
  { from, ref, select }: Rewritten,
  { format, preserveDigests }: RewriteRequest & { format: ManifestFormat },
  job: Job,
): Promise<Rewritten> {
  const root = await from.resolve(ref, job)
  const result = await convertImage(from, { root, format }, job)
  if (preserveDigests && result.root.digest !== root.digest) throw changed('another manifest format')
  return { from: result.from, ref: result.root.digest, select }
}

function changed(by: string): Error {
  return fail('PLACE_UNSUPPORTED', `the digests of the image would not be preserved: ${by} changes them`)
}
