import type { Digest } from '../core/index.ts'
import type { Mount } from '../host/index.ts'
import { type IndexImage, readIndex } from './erofs/read.ts'

/** An archive that an index points into. */
export interface LayerDevice {
  diffId: Digest
  /** Where the archive is on this host. */
  path: string
}

/** An opened index: of one layer, or of several layers merged into one. Plain data; there is nothing to close. */
export interface LayerIndex {
  /** Of the index file. */
  readonly path: string
  /** The archives it needs, the layer's own first. */
  readonly devices: readonly LayerDevice[]
  /** Bytes of the layer's archive, and of all files in it; entries of the archive. */
  readonly size: number
  readonly contentBytes: number
  readonly entries: number
  /** Whether the index was made for certain lower layers, or would have to be to be complete. */
  readonly needsParent: boolean
  /** Whether the layer hides everything below it. */
  readonly opaque: boolean
  readonly image: IndexImage
}

/**
 * Opens an index file; `blobPath` says where the archive with a diffId is. Fails with `LAYER_INDEX_INVALID` when the
 * file is missing, damaged or made by another version: then it must be made again.
 */
export function openLayer(index: string, blobPath: (diffId: Digest) => string): LayerIndex {
  const image = readIndex(index)
  const { tarSize, contentBytes, entries, needsParent, opaque } = image.stamp
  return {
    path: index,
    devices: image.devices.map(({ diffId }) => ({ diffId, path: blobPath(diffId) })),
    size: tarSize,
    contentBytes,
    entries,
    needsParent,
    opaque,
    image,
  }
}

/** The layers of a stack (bottom first) that can be seen: those from the topmost one on that hides all below it. */
export function visibleLayers(layers: readonly LayerIndex[]): readonly LayerIndex[] {
  const opaque = layers.findLastIndex((layer) => layer.opaque)
  return opaque > 0 ? layers.slice(opaque) : layers
}

/**
 * The file system of one layer, for overlayfs to put on top of others. It needs Linux 6.12.2 and EROFS with files as
 * backing; each path is a mount option, of which the kernel takes 255 bytes.
 */
export function layerMount(layer: LayerIndex): Mount {
  return { type: 'erofs', source: layer.path, options: ['ro', ...layer.devices.map(({ path }) => `device=${path}`)] }
}
