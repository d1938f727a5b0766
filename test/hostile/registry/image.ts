import { createHash } from 'node:crypto'
import { gzipSync } from 'node:zlib'
import { digestOf } from '../../../src/core/index.ts'
import { archive, forge } from '../../../src/layer/tar/forge.suite.ts'

/** A document of JSON that a registry serves. */
export type Document = Record<string, unknown>

/** A small image of one layer, as a registry keeps it. */
export interface ServedImage {
  readonly config: Buffer
  readonly layer: Buffer
  readonly layerType: string
  /** The manifest as an object, for those who want another one. */
  readonly manifest: { config: Document; layers: Document[] } & Document
}

const MANIFEST = 'application/vnd.oci.image.manifest.v1+json'

/** An image whose layer has about this many bytes, compressed; the same for the same seed. */
export function makeServedImage(layerBytes: number, seed = 0): ServedImage {
  const tar = archive(forge({ name: 'data', size: layerBytes }, noise(layerBytes, seed)))
  const layer = gzipSync(tar, { level: 1 })
  const layerType = 'application/vnd.oci.image.layer.v1.tar+gzip'
  const rootfs = { type: 'layers', diff_ids: [digestOf(tar)] }
  const history = [{ created_by: `noise ${seed}` }]
  const config = Buffer.from(JSON.stringify({ architecture: 'amd64', os: 'linux', config: {}, rootfs, history }))
  const manifest = {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: descriptor('application/vnd.oci.image.config.v1+json', config),
    layers: [descriptor(layerType, layer)],
  }
  return { config, layer, layerType, manifest }
}

const descriptor = (mediaType: string, bytes: Buffer): Document => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
})

/** Bytes that cannot be compressed. */
export function noise(size: number, seed: number): Buffer {
  return createHash('shake256', { outputLength: size }).update(`noise ${seed}`).digest()
}
