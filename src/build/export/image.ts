import {
  appendHistory,
  appendLayer,
  type Descriptor,
  editConfig,
  editContainerConfig,
  emptyImage,
  type HistoryEntry,
  type Image,
  type ImageConfig,
  MEDIA,
  type Platform,
} from '../../oci/index.ts'
import type { LayerRecord } from '../../store/index.ts'

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

/** How an image is written down. */
export interface Packing {
  mediaTypes: 'oci' | 'docker'
  /** How a layer travels: plain, or compressed. */
  descriptorOf(layer: LayerRecord): Descriptor
}

/** The image that a result makes. Its id does not depend on how the layers are packed. */
export function assembleImage(result: BuildResult, packing: Packing): Image {
  const { base, platform, author } = result
  let image = empty(platform, packing)
  for (const { entry, layer } of base ? baseSteps(base) : []) image = append(image, entry, layer, packing)
  for (const { history, layer } of timed(result)) image = append(image, history, layer, packing)
  const created = image.config.history?.at(-1)?.created
  return editConfig(editContainerConfig(image, withoutEmpty(result.config)), { created, author })
}

function empty(platform: Platform, { mediaTypes }: Packing): Image {
  const image = emptyImage(platform)
  if (mediaTypes === 'oci') return image
  const config = { ...image.manifest.config, mediaType: MEDIA.dockerConfig }
  return { ...image, manifest: { ...image.manifest, mediaType: MEDIA.dockerManifest, config } }
}

function append(image: Image, history: HistoryEntry, layer: LayerRecord | undefined, packing: Packing): Image {
  if (!layer) return appendHistory(image, history)
  return appendLayer(image, { descriptor: packing.descriptorOf(layer), diffId: layer.diffId, history })
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
