import {
  appendHistory,
  appendLayer,
  editConfig,
  editContainerConfig,
  emptyImage,
  type HistoryEntry,
  type Image,
  type ImageConfig,
  MEDIA,
  type Platform,
  writeImage,
} from '../../oci/index.ts'
import type { LayerRecord, Lease, Store, StoredImage } from '../../store/index.ts'

/** A step of the result, in order: what it is called in the history, and the layer it made, if any. */
export interface ResultStep {
  history: HistoryEntry
  layer?: LayerRecord
}

/** What a build made for one platform, ready to be written down. */
export interface BuildResult {
  platform: Platform
  /** The image that the target stage starts from; missing for scratch. */
  base?: { config: ImageConfig; layers: readonly LayerRecord[] }
  config: NonNullable<ImageConfig['config']>
  author?: string
  steps: readonly ResultStep[]
}

/** Writes the result into the store, under these full names. The id does not depend on how the layers are packed. */
export function exportImage(store: Store, lease: Lease, result: BuildResult, names: readonly string[]): StoredImage {
  const { config, manifest } = writeImage(assemble(result))
  store.blobs.writeWhole(config.bytes, lease, config.descriptor.digest)
  store.blobs.writeWhole(manifest.bytes, lease, manifest.descriptor.digest)
  return store.images.put(manifest.descriptor, names)
}

function assemble(result: BuildResult): Image {
  const { base, platform, author } = result
  let image = emptyImage(platform)
  for (const { entry, layer } of base ? baseSteps(base) : []) image = append(image, entry, layer)
  for (const { history, layer } of timed(result)) image = append(image, history, layer)
  const created = image.config.history?.at(-1)?.created
  return editConfig(editContainerConfig(image, withoutEmpty(result.config)), { created, author })
}

function append(image: Image, history: HistoryEntry, layer: LayerRecord | undefined): Image {
  if (!layer) return appendHistory(image, history)
  const descriptor = { mediaType: MEDIA.ociLayer, digest: layer.diffId, size: layer.size }
  return appendLayer(image, { descriptor, diffId: layer.diffId, history })
}

function baseSteps({
  config,
  layers,
}: NonNullable<BuildResult['base']>): { entry: HistoryEntry; layer?: LayerRecord }[] {
  let next = 0
  const steps = (config.history ?? []).map((entry) => {
    const layer = entry.empty_layer ? undefined : layers[next++]
    return layer ? { entry, layer } : { entry }
  })
  return [...steps, ...layers.slice(next).map((layer) => ({ entry: {}, layer }))]
}

/**
 * A step that only changed the config has no time of its own. It takes that of the layer before it, or, at the
 * beginning, of the first new layer, else of the base: so that a build from the cache gives the same image again.
 */
function timed({ base, steps }: BuildResult): ResultStep[] {
  const firstNew = steps.find((step) => step.history.created !== undefined)?.history.created
  let time = firstNew ?? base?.config.history?.findLast((entry) => entry.created !== undefined)?.created
  return steps.map(({ history, ...rest }) => {
    time = history.created ?? time
    return { ...rest, history: time === undefined ? history : { created: time, ...history } }
  })
}

/** Go leaves empty fields out; so does every builder. */
function withoutEmpty<T extends object>(config: T): T {
  const filled = Object.entries(config).filter(([, value]) => {
    if (value === undefined || value === null || value === '' || value === false) return false
    return typeof value !== 'object' || Object.keys(value).length > 0
  })
  return Object.fromEntries(filled) as T
}
