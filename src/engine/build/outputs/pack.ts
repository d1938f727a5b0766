import {
  assembleImage,
  type BuildResult,
  compressLayer,
  type ResultStep,
  restampLayer,
  squashLayers,
  withInlineCache,
} from '../../../build/index.ts'
import { type Digest, type Job, mapLimit } from '../../../core/index.ts'
import {
  annotate,
  appendManifest,
  createIndex,
  type Descriptor,
  type Index,
  MEDIA,
  type WrittenDocument,
  writeImage,
  writeIndex,
} from '../../../oci/index.ts'
import type { LayerRecord, Store } from '../../../store/index.ts'
import { stepKeys } from '../cache.ts'
import type { FinishedBuild, PackedImage } from '../finished.ts'
import type { BuiltPlatform } from '../solve.ts'
import { annotationsOn, refuseIndexAnnotations } from './annotations.ts'
import type { PackOptions } from './output.ts'

/** An image with all its platforms; its documents and layers are in the store, under the build's lease. */
export interface PackedBuild {
  /** Of the manifest, or of the index. */
  root: Descriptor
  /** One for each platform. */
  images: readonly PackedImage[]
}

/** Writes a build down as an image: manifests, what is attached to them, and an index where there is more than one. */
export async function packBuild(
  store: Store,
  finished: FinishedBuild,
  options: PackOptions & { attach?: boolean },
  job: Job,
): Promise<PackedBuild> {
  const packer: Packer = { store, finished, options, epoch: epochOf(finished, options) }
  const images = await mapLimit(finished.built, 2, (built) => packPlatform(packer, built, job))
  const attach = options.attach ?? true
  const attached = attach ? ((await finished.attachments?.manifests(images, job)) ?? []) : []
  if (!finished.multiPlatform && attached.length === 0) {
    refuseIndexAnnotations(options.annotations)
    return { root: images[0]!.descriptor, images }
  }
  const entries = [...images.map(({ descriptor }) => descriptor), ...attached]
  const mediaType = options.mediaTypes === 'docker' ? MEDIA.dockerList : MEDIA.ociIndex
  const empty: Index = { ...createIndex([]), mediaType, ...annotationsOn(options.annotations, 'index') }
  const root = writeDocument(packer, writeIndex(entries.reduce<Index>(appendManifest, empty)))
  return { root: { ...root, ...annotationsOn(options.annotations, 'index-descriptor') }, images }
}

/** The epoch of an output: its own, else that of the build. */
export function epochOf(finished: FinishedBuild, { epoch }: { epoch?: number | null }): number | undefined {
  return epoch === undefined ? finished.epoch : (epoch ?? undefined)
}

interface Packer {
  store: Store
  finished: FinishedBuild
  options: PackOptions
  epoch: number | undefined
}

async function packPlatform(packer: Packer, built: BuiltPlatform, job: Job): Promise<PackedImage> {
  const { annotations } = packer.options
  const { platform } = built
  const result = await resultOf(packer, built, job)
  const own = new Set(result.steps.flatMap(({ layer }) => layer?.diffId ?? []))
  const travelling = await descriptorsOf(packer, layersOf(result), own, job)
  const mediaTypes = packer.options.mediaTypes ?? 'oci'
  const assembled = assembleImage(result, { mediaTypes, descriptorOf: ({ diffId }) => travelling.get(diffId)! })
  const { inlineCache, solver } = packer.finished
  const image = inlineCache
    ? { ...assembled, config: withInlineCache(packer.store, assembled.config, stepKeys(solver, [built])) }
    : assembled
  const onManifest = annotationsOn(annotations, 'manifest', platform)
  const written = writeImage(onManifest ? annotate(image, onManifest.annotations) : image)
  const { digest: id } = writeDocument(packer, written.config)
  const descriptor = {
    ...writeDocument(packer, written.manifest),
    ...annotationsOn(annotations, 'manifest-descriptor', platform),
    platform,
  }
  return { ...built, ...written.image, descriptor, id }
}

function layersOf({ base, steps }: BuildResult): LayerRecord[] {
  return [...(base?.layers ?? []), ...steps.flatMap(({ layer }) => layer ?? [])]
}

async function descriptorsOf(
  { store, options, epoch, finished }: Packer,
  layers: readonly LayerRecord[],
  own: ReadonlySet<Digest>,
  job: Job,
): Promise<Map<Digest, Descriptor>> {
  const { mediaTypes = 'oci', compression = { algorithm: 'uncompressed', force: false } } = options
  const packing = { ...compression, mediaTypes, lease: finished.lease }
  const stamp = options.rewriteTimestamp === true ? epoch : undefined
  const unique = new Map(layers.map((layer) => [layer.diffId, layer]))
  const pairs = await mapLimit(unique.values(), 2, async (layer) => {
    const descriptor = await compressLayer(store, layer, packing, job)
    if (stamp === undefined || !own.has(layer.diffId)) return [layer.diffId, descriptor] as const
    return [layer.diffId, { ...descriptor, annotations: { 'buildkit/rewritten-timestamp': String(stamp) } }] as const
  })
  return new Map(pairs)
}

/** What was built, with the times and layers that this output wants. */
async function resultOf(packer: Packer, built: BuiltPlatform, job: Job): Promise<BuildResult> {
  const { platform, stage } = built
  const { base, config, author } = stage
  const result: BuildResult = {
    platform,
    config,
    steps: await stepsOf(packer, built, job),
    ...(base ? { base } : {}),
    ...(author === undefined ? {} : { author }),
  }
  const { squash } = packer.finished
  return squash ? squashed(packer, result, squash, job) : result
}

/** The steps since the base image with their times and layers. */
async function stepsOf(packer: Packer, { stage, layers }: BuiltPlatform, job: Job): Promise<ResultStep[]> {
  const { epoch } = packer
  const { solver } = packer.finished
  const own = await restamped(packer, layers.slice(stage.base?.layers.length ?? 0), job)
  let next = 0
  return stage.steps.map(({ createdBy, vertex }) => {
    const time = vertex && (epoch === undefined ? solver.outcome(vertex)?.createdAt : epoch * 1000)
    const created = time === undefined ? {} : { created: timeText(time) }
    const history = { ...created, created_by: createdBy, comment: 'buildkit.dockerfile.v0' }
    const layer = vertex ? own[next++] : undefined
    return layer ? { history, layer } : { history }
  })
}

/** RFC 3339 as Go writes it: no fraction for a whole second. */
function timeText(milliseconds: number): string {
  return new Date(milliseconds).toISOString().replace('.000Z', 'Z')
}

async function restamped(
  { store, epoch, options, finished }: Packer,
  layers: readonly LayerRecord[],
  job: Job,
): Promise<readonly LayerRecord[]> {
  if (epoch === undefined || options.rewriteTimestamp === false) return layers
  return mapLimit(layers, 2, (layer) => restampLayer(store, layer, { epoch, lease: finished.lease }, job))
}

/** All steps stay in the history; one more, at the end, has the layer. With `all` that holds the base image, too. */
async function squashed(
  { store, finished }: Packer,
  result: BuildResult,
  which: 'new' | 'all',
  job: Job,
): Promise<BuildResult> {
  const baseLayers = (result.base?.layers ?? []).map(({ diffId }) => diffId)
  const ownLayers = result.steps.flatMap(({ layer }) => layer?.diffId ?? [])
  const below = which === 'new' ? baseLayers : []
  const above = which === 'new' ? ownLayers : [...baseLayers, ...ownLayers]
  if (above.length < 2) return result
  const layer = await squashLayers(store, { base: below, layers: above }, finished.lease, job)
  const inherited = which === 'all' ? (result.base?.config.history ?? []) : []
  const before = [...inherited.map((history) => ({ history })), ...result.steps]
  const steps: ResultStep[] = before.map(({ history: { empty_layer: _, ...history } }) => ({ history }))
  const created = before.findLast(({ history }) => history.created !== undefined)?.history.created
  const comment = `squashed ${above.length} layers`
  steps.push({ history: { ...(created === undefined ? {} : { created }), created_by: '', comment }, layer })
  const { base, ...rest } = result
  return { ...rest, ...(which === 'new' && base ? { base } : {}), steps }
}

function writeDocument({ store, finished }: Packer, { bytes, descriptor }: WrittenDocument): Descriptor {
  store.blobs.writeWhole(bytes, finished.lease, descriptor.digest)
  return descriptor
}
