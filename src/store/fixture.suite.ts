import { mkdtempSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { afterEach } from 'vitest'
import { bytesOf, type Digest, silentJob } from '../core/index.ts'
import { archive, forge, forgePax } from '../layer/tar/forge.suite.ts'
import {
  appendLayer,
  type ContainerConfig,
  createIndex,
  type Descriptor,
  editConfig,
  editContainerConfig,
  emptyImage,
  hostPlatform,
  type Image,
  MEDIA,
  type Platform,
  writeImage,
  writeIndex,
} from '../oci/index.ts'
import { type LayerRecord, type Lease, openStore, type Store, type StoredImage } from './index.ts'

const opened: { store: Store; root: string; leases: Lease[] }[] = []

afterEach(() => {
  for (const { store, root, leases } of opened.splice(0)) {
    for (const lease of leases) lease[Symbol.dispose]()
    store[Symbol.dispose]()
    for (const folder of [root, store.layout.runtime]) rmSync(folder, { recursive: true, force: true })
  }
})

/** A store of the test's own, with a lease that holds all that the functions here put in. */
export interface TestStore extends Store {
  readonly root: string
  readonly testLease: Lease
}

/** Opens a store in a new folder, or below `inside` that folder; both are gone after the test. */
export function temporaryStore(inside = ''): TestStore {
  const root = mkdtempSync(path.join(os.tmpdir(), 'slipway-store-'))
  const store = openStore(path.join(root, inside))
  const testLease = store.lease()
  opened.push({ store, root, leases: [testLease] })
  return { ...store, root: path.join(root, inside), testLease }
}

/** What a name in an archive is: text of a file, a folder, links, a device, or a header as the test wants it. */
export type Member =
  | string
  | { directory: true; mode?: number; uid?: number; gid?: number; mtime?: number; xattrs?: Record<string, string> }
  | { symlink: string }
  | { hardlink: string }
  | { file: string; mode?: number; uid?: number; gid?: number; mtime?: number; xattrs?: Record<string, string> }
  | { char: [number, number] }

const TIME = 1_600_000_000

/** A tar of these names, in this order. A name that ends with a slash is a folder. */
export function tarOf(members: Readonly<Record<string, Member>>): Buffer {
  return archive(...Object.entries(members).flatMap(([name, member]) => encode(name, member)))
}

function encode(name: string, member: Member): Buffer[] {
  if (typeof member === 'string') return name.endsWith('/') ? encode(name, { directory: true }) : [file(name, member)]
  if ('symlink' in member) return [forge({ name, flag: '2', mode: 0o777, mtime: TIME, link: member.symlink })]
  if ('hardlink' in member) return [forge({ name, flag: '1', mtime: TIME, link: member.hardlink })]
  if ('char' in member) {
    const [major, minor] = member.char
    return [forge({ name, flag: '3', mtime: TIME, major, minor })]
  }
  const { xattrs = {}, mtime = TIME, uid = 0, gid = 0 } = member
  const records = Object.entries(xattrs).map(([key, value]) => [`SCHILY.xattr.${key}`, value] as const)
  const pax = records.length > 0 ? [forgePax(Object.fromEntries(records))] : []
  if ('directory' in member) return [...pax, forge({ name, flag: '5', mode: member.mode ?? 0o755, mtime, uid, gid })]
  return [...pax, forge({ name, mode: member.mode ?? 0o644, mtime, uid, gid }, member.file)]
}

const file = (name: string, text: string): Buffer => forge({ name, mtime: TIME }, text)

/** Puts a layer into a store. */
export async function addLayer(store: TestStore, tar: Buffer | Readonly<Record<string, Member>>): Promise<LayerRecord> {
  const bytes = Buffer.isBuffer(tar) ? tar : tarOf(tar)
  const { record } = await store.layers.import(bytesOf(bytes), { lease: store.testLease }, silentJob)
  return record
}

/** Puts several layers into a store; their diffIds, in order. */
export async function addLayers(store: TestStore, ...tars: Readonly<Record<string, Member>>[]): Promise<Digest[]> {
  const diffIds: Digest[] = []
  for (const tar of tars) diffIds.push((await addLayer(store, tar)).diffId)
  return diffIds
}

/** How an image of a test is made. */
export interface ImageOptions {
  names?: readonly string[]
  config?: ContainerConfig
  created?: string
  platform?: Platform
}

/** The documents of an image of these layers, in the store, but no image yet. */
export function writeDocuments(
  store: TestStore,
  layers: readonly LayerRecord[],
  { config = {}, created = '2024-05-06T07:08:09Z', platform = hostPlatform() }: ImageOptions = {},
): ReturnType<typeof writeImage> {
  const base = editContainerConfig(editConfig(emptyImage(platform), { created }), config)
  const image = layers.reduce<Image>((value, layer, at) => {
    const descriptor = { mediaType: MEDIA.ociLayer, digest: layer.diffId, size: layer.size }
    const history = { created, created_by: `step ${at + 1}` }
    return appendLayer(value, { descriptor, diffId: layer.diffId, history })
  }, base)
  const written = writeImage(image)
  for (const { bytes, descriptor } of [written.config, written.manifest]) {
    store.blobs.writeWhole(bytes, store.testLease, descriptor.digest)
  }
  return written
}

/** Puts an image of these layers into a store. */
export async function addImage(
  store: TestStore,
  layers: readonly (LayerRecord | Readonly<Record<string, Member>>)[],
  options: ImageOptions = {},
): Promise<StoredImage> {
  const records: LayerRecord[] = []
  for (const layer of layers) records.push('diffId' in layer ? (layer as LayerRecord) : await addLayer(store, layer))
  const { manifest } = writeDocuments(store, records, options)
  return store.images.put(manifest.descriptor, options.names ?? [])
}

/** Writes an index of these entries into a store; it is no image yet. */
export function writeIndexOf(store: TestStore, entries: readonly Descriptor[]): Descriptor {
  const { bytes, descriptor } = writeIndex(createIndex(entries))
  store.blobs.writeWhole(bytes, store.testLease, descriptor.digest)
  return descriptor
}
