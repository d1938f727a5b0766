import type { Digest } from '../core/index.ts'
import type { ContainerConfig, HistoryEntry, ImageConfig } from './config.ts'
import type { Descriptor } from './descriptor.ts'
import { historySteps } from './history.ts'
import type { Index, Manifest } from './manifest.ts'
import { isConfigType, MEDIA } from './media-type.ts'
import type { Platform } from './platform.ts'
import { type WrittenDocument, writeConfig, writeManifest } from './write.ts'

/**
 * One image as a value: its config, and its manifest, whose descriptor of the config is brought up to date by
 * `writeImage`. Every edit makes a new one and keeps the fields that this program does not know.
 */
export interface Image {
  readonly manifest: Manifest
  readonly config: ImageConfig
}

/** New values for some fields; `undefined` takes a field out. */
export type Changes<T> = { readonly [K in keyof T]?: T[K] | undefined }

/** An image with nothing in it: what `FROM scratch` begins with. */
export function emptyImage(platform: Platform): Image {
  const { os, architecture, variant, 'os.version': version, 'os.features': features } = platform
  const config: ImageConfig = {
    architecture,
    os,
    ...(variant === undefined ? {} : { variant }),
    ...(version === undefined ? {} : { 'os.version': version }),
    ...(features === undefined ? {} : { 'os.features': features }),
    rootfs: { type: 'layers', diff_ids: [] },
  }
  const manifest: Manifest = {
    schemaVersion: 2,
    mediaType: MEDIA.ociManifest,
    config: writeConfig(config).descriptor,
    layers: [],
  }
  return { manifest, config }
}

/** Puts a layer on top. `history` says how it came to be. */
export function appendLayer(
  image: Image,
  layer: { descriptor: Descriptor; diffId: Digest; history: HistoryEntry },
): Image {
  const { manifest, config } = image
  const { empty_layer: _, ...entry } = layer.history
  const rootfs = changed(config.rootfs, { diff_ids: [...config.rootfs.diff_ids, layer.diffId] })
  return {
    manifest: changed(manifest, { layers: [...manifest.layers, layer.descriptor] }),
    config: changed(config, { rootfs, history: [...accountedHistory(config), entry] }),
  }
}

/** Adds a step that changed only the config. */
export function appendHistory(image: Image, history: HistoryEntry): Image {
  const entry = { ...history, empty_layer: true }
  return { ...image, config: changed(image.config, { history: [...accountedHistory(image.config), entry] }) }
}

/** Changes what a container is started with. A field that is set to `undefined` is taken out. */
export function editContainerConfig(image: Image, changes: Changes<ContainerConfig>): Image {
  return { ...image, config: changed(image.config, { config: changed(image.config.config ?? {}, changes) }) }
}

/** Changes the outer fields of the config: created, author, platform. A field that is set to `undefined` is taken out. */
export function editConfig(image: Image, changes: Changes<Omit<ImageConfig, 'rootfs' | 'history' | 'config'>>): Image {
  return { ...image, config: changed<ImageConfig>(image.config, changes) }
}

/** Adds annotations to the manifest. */
export function annotate(image: Image, annotations: Readonly<Record<string, string>>): Image {
  const all = changed(image.manifest.annotations ?? {}, annotations)
  return { ...image, manifest: changed(image.manifest, { annotations: all }) }
}

/** Adds an entry to an index. */
export function appendManifest(index: Index, entry: Descriptor): Index {
  return changed(index, { manifests: [...index.manifests, entry] })
}

/** An index of these entries. */
export function createIndex(manifests: readonly Descriptor[]): Index {
  return { schemaVersion: 2, mediaType: MEDIA.ociIndex, manifests }
}

/** The documents of an image, ready to be stored: the config first, then the manifest that points at it. */
export function writeImage(image: Image): { config: WrittenDocument; manifest: WrittenDocument; image: Image } {
  const { data: _, ...before } = image.manifest.config
  const config = writeConfig(image.config, isConfigType(before.mediaType) ? before.mediaType : MEDIA.ociConfig)
  const manifest = changed(image.manifest, { config: { ...before, ...config.descriptor } })
  return { config, manifest: writeManifest(manifest), image: { ...image, manifest } }
}

/** History with an entry for every layer, so that the next entry is paired with the next layer. */
function accountedHistory(config: ImageConfig): HistoryEntry[] {
  return historySteps(config).map((step) => step.entry ?? {})
}

/** A copy without a prototype, like those of `parseJson`: a key named `__proto__` or `constructor` is just a key. */
function changed<T extends object>(value: T, changes: Changes<T>): T {
  const result = Object.assign(Object.create(null) as T, value, changes)
  for (const key of Object.keys(changes) as (keyof T)[]) if (changes[key] === undefined) delete result[key]
  return result
}
