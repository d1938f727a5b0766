import { assembleImage, PLAIN_PACKING, restampLayer } from '../../../build/index.ts'
import { type Job, mapLimit } from '../../../core/index.ts'
import {
  appendManifest,
  createIndex,
  type Descriptor,
  type Index,
  type WrittenDocument,
  writeImage,
  writeIndex,
} from '../../../oci/index.ts'
import type { LayerRecord, Store } from '../../../store/index.ts'
import type { FinishedBuild, PackedImage } from '../finished.ts'
import type { BuiltPlatform } from '../solve.ts'

/** An image with all its platforms; its documents and layers are in the store, under the build's lease. */
export interface PackedBuild {
  /** Of the manifest, or of the index. */
  root: Descriptor
  /** One for each platform. */
  images: readonly PackedImage[]
}

/** Writes a build down as an image: manifests, what is attached to them, and an index where there is more than one. */
export async function packBuild(store: Store, finished: FinishedBuild, job: Job): Promise<PackedBuild> {
  const images = await mapLimit(finished.built, 2, (built) => packPlatform(store, finished, built, job))
  const attached = (await finished.attachments?.manifests(images, job)) ?? []
  if (!finished.multiPlatform && attached.length === 0) {
    const { platform: _, ...root } = images[0]!.descriptor
    return { root, images }
  }
  const entries = [...images.map(({ descriptor }) => descriptor), ...attached]
  const index = entries.reduce<Index>(appendManifest, createIndex([]))
  return { root: writeDocument(store, finished, writeIndex(index)), images }
}

async function packPlatform(
  store: Store,
  finished: FinishedBuild,
  built: BuiltPlatform,
  job: Job,
): Promise<PackedImage> {
  const { stage, platform } = built
  const { base, config, author } = stage
  const result = {
    platform: stage.platform,
    config,
    steps: await stepsOf(store, finished, built, job),
    ...(base ? { base } : {}),
    ...(author === undefined ? {} : { author }),
  }
  const written = writeImage(assembleImage(result, PLAIN_PACKING))
  const { digest: id } = writeDocument(store, finished, written.config)
  const descriptor = { ...writeDocument(store, finished, written.manifest), platform }
  return { ...built, ...written.image, descriptor, id }
}

/** The steps since the base image with their times and layers. */
async function stepsOf(
  store: Store,
  { solver, epoch, lease }: FinishedBuild,
  { stage, layers }: BuiltPlatform,
  job: Job,
): Promise<Parameters<typeof assembleImage>[0]['steps']> {
  const own = layers.slice(stage.base?.layers.length ?? 0)
  const stamped =
    epoch === undefined ? own : await mapLimit(own, 2, (layer) => restampLayer(store, layer, { epoch, lease }, job))
  let next = 0
  return stage.steps.map(({ createdBy, vertex }) => {
    const time = vertex && (epoch === undefined ? solver.outcome(vertex)?.createdAt : epoch * 1000)
    const created = time === undefined ? {} : { created: new Date(time).toISOString() }
    const history = { ...created, created_by: createdBy, comment: 'buildkit.dockerfile.v0' }
    const layer: LayerRecord | undefined = vertex ? stamped[next++] : undefined
    return layer ? { history, layer } : { history }
  })
}

function writeDocument(store: Store, { lease }: FinishedBuild, { bytes, descriptor }: WrittenDocument): Descriptor {
  store.blobs.writeWhole(bytes, lease, descriptor.digest)
  return descriptor
}
