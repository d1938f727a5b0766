import { type Digest, fail, hasCode, isDigest } from '../core/index.ts'
import {
  checkImage,
  type Descriptor,
  formatPlatform,
  formatReference,
  hostPlatform,
  type ImageConfig,
  type ImageDocument,
  isImageManifest,
  type Manifest,
  matchesPlatform,
  type Platform,
  parseConfig,
  parseImageDocument,
  parseManifest,
  parseReference,
  selectManifest,
  withDefaultTag,
} from '../oci/index.ts'
import type { BlobStore } from './blobs.ts'
import type { Database } from './database.ts'
import type { LayerRecord, LayerStore } from './layers.ts'
import type { StoreLayout } from './layout.ts'
import { writeLayoutIndex } from './layout-index.ts'

/** An image in the store: a manifest, or an index of which at least one platform is here. */
export interface StoredImage {
  /** What names point at. */
  descriptor: Descriptor
  /** The image id: digest of the config for this machine's platform, else of the first platform that is here. */
  id: Digest
  /** Full names with tags, sorted: `docker.io/library/nginx:latest`. */
  names: string[]
  /** Full names with digests, sorted: how the image was called in registries. */
  digests: string[]
  summary: ImageSummary
  /** When it last got a name, Unix milliseconds. */
  taggedAt?: number
}

/** What lists show of an image, without reading it. */
export interface ImageSummary {
  /** The manifest that `id` belongs to. */
  manifest: Digest
  /** RFC 3339, as the config says. */
  created?: string
  platform: string
  diffIds: Digest[]
  /** Bytes of all files in all layers. */
  contentBytes: number
  labels: Record<string, string>
}

/** How a user's word for an image was understood. */
export interface FoundImage {
  image: StoredImage
  /** The full name, when it was a name and not an id. */
  name?: string
}

/** Images and their names. An image is put in when all its content is there, and a name only points at such an image. */
export class ImageStore {
  readonly #db: Database
  readonly #layout: StoreLayout
  readonly #blobs: BlobStore
  readonly #layers: LayerStore

  constructor(db: Database, layout: StoreLayout, content: { blobs: BlobStore; layers: LayerStore }) {
    this.#db = db
    this.#layout = layout
    this.#blobs = content.blobs
    this.#layers = content.layers
  }

  /**
   * Makes the image of this descriptor known, under these full names as well; a name that pointed elsewhere moves.
   * Has reached the disk when it returns. Fails with `BLOB_NOT_FOUND` when content is missing, and with
   * `MANIFEST_INVALID` or `CONFIG_INVALID` when it contradicts itself. What is seen to be there cannot be collected
   * before the row that keeps it is written: both is one transaction.
   */
  put(descriptor: Descriptor, names: readonly string[] = []): StoredImage {
    return this.#change(() => {
      this.link(descriptor.digest, this.#read(descriptor))
      const { summary, id } = this.#examine(descriptor)
      const { digest, mediaType, size } = descriptor
      const known = this.#db.get<{ added_at: number }>('SELECT added_at FROM images WHERE digest = ?', digest)
      const values = [digest, mediaType, size, id, JSON.stringify(summary), known?.added_at ?? Date.now()]
      this.#db.run(
        `INSERT INTO images VALUES (?, ?, ?, ?, ?, ?)
         ON CONFLICT (digest) DO UPDATE SET image_id = excluded.image_id, summary = excluded.summary`,
        ...values,
      )
      for (const name of names) this.#setName(name, digest)
      return this.get(digest)!
    })
  }

  /** Notes what a manifest or index keeps alive. */
  link(parent: Digest, document: ImageDocument): void {
    const children =
      document.kind === 'manifest' ? [document.manifest.config, ...document.manifest.layers] : document.index.manifests
    this.#db.transaction(() => {
      for (const { digest } of children) this.#db.run('INSERT OR IGNORE INTO links VALUES (?, ?)', parent, digest)
    })
  }

  /** Points a full name at an image. Fails with `IMAGE_NOT_FOUND` when it is not here any more. */
  tag(name: string, digest: Digest): void {
    this.#change(() => {
      if (!this.get(digest)) throw fail('IMAGE_NOT_FOUND', `No such image: ${digest}`)
      this.#setName(name, digest)
    })
  }

  /** Removes a name; false when there was none. The image stays. */
  untag(name: string): boolean {
    return this.#change(() => this.#db.run('DELETE FROM names WHERE name = ?', name)) > 0
  }

  /** Forgets images with all their names; their content goes with the next collection. */
  remove(digests: readonly Digest[]): void {
    this.#change(() => {
      for (const digest of digests) {
        this.#db.run('DELETE FROM names WHERE digest = ?', digest)
        this.#db.run('DELETE FROM images WHERE digest = ?', digest)
      }
    })
  }

  get(digest: Digest): StoredImage | undefined {
    const row = this.#db.get<ImageRow>('SELECT * FROM images WHERE digest = ?', digest)
    return row && this.#fromRow(row)
  }

  list(): StoredImage[] {
    return this.#db.all<ImageRow>('SELECT * FROM images').map((row) => this.#fromRow(row))
  }

  /** All images with this id: the same image may be here with differently packed layers. */
  withId(id: Digest): StoredImage[] {
    return this.#db.all<ImageRow>('SELECT * FROM images WHERE image_id = ?', id).map((row) => this.#fromRow(row))
  }

  /** The image that a full name points at. */
  named(name: string): StoredImage | undefined {
    const row = this.#db.get<{ digest: Digest }>('SELECT digest FROM names WHERE name = ?', name)
    return row && this.get(row.digest)
  }

  /**
   * What a user means by `nginx`, `nginx:1.27`, `nginx@sha256:...`, `sha256:...` or a beginning of an id; names win.
   * `undefined` when there is nothing; fails with `IMAGE_ID_AMBIGUOUS` for an id prefix of several.
   */
  find(text: string): FoundImage | undefined {
    const byName = this.#findByName(text)
    if (byName) return byName
    if (isDigest(text)) {
      const image = this.get(text) ?? this.withId(text)[0]
      return image && { image }
    }
    return this.#findByPrefix(text.replace(/^sha256:/, ''))
  }

  /** The manifest of one platform of an image. Fails with `IMAGE_NOT_FOUND` when the image has none such here. */
  manifest(image: StoredImage, platform?: Platform): { descriptor: Descriptor; manifest: Manifest } {
    const { descriptor } = image
    const document = parseImageDocument(this.#blobs.readWhole(descriptor.digest), descriptor.mediaType)
    if (document.kind === 'manifest') return { descriptor, manifest: document.manifest }
    const chosen = platform
      ? selectManifest(document.index, platform)
      : document.index.manifests.find((entry) => entry.digest === image.summary.manifest)!
    return { descriptor: chosen, manifest: parseManifest(this.#blobs.readWhole(chosen.digest), chosen.mediaType) }
  }

  /** The layers of each platform of an image that is here, bottom first; it need not be known as an image yet. */
  stacks(descriptor: Descriptor): (readonly Digest[])[] {
    return this.#manifestsOf(descriptor).map(({ manifest }) => {
      const config = parseConfig(this.#blobs.readWhole(manifest.config.digest))
      checkImage(manifest, config)
      return config.rootfs.diff_ids
    })
  }

  /** The config of one platform of an image, with the bytes it was read from. */
  config(image: StoredImage, platform?: Platform): { digest: Digest; config: ImageConfig } {
    const { digest } = this.manifest(image, platform).manifest.config
    return { digest, config: parseConfig(this.#blobs.readWhole(digest)) }
  }

  /** A change of images or names, on the disk when this returns. */
  #change<T>(work: () => T): T {
    return this.#db.durably(() => {
      const result = work()
      writeLayoutIndex(this.#db, this.#layout)
      return result
    })
  }

  #setName(name: string, digest: Digest): void {
    this.#db.run('INSERT OR REPLACE INTO names VALUES (?, ?, ?)', name, digest, Date.now())
  }

  #findByName(text: string): FoundImage | undefined {
    try {
      const reference = withDefaultTag(parseReference(text))
      const name = formatReference(reference)
      const image = this.named(name) ?? (reference.tag && reference.digest ? this.named(withoutTag(name)) : undefined)
      return image && { image, name }
    } catch (error) {
      if (hasCode(error, 'REFERENCE_INVALID')) return undefined
      throw error
    }
  }

  #findByPrefix(prefix: string): FoundImage | undefined {
    if (!/^[a-f0-9]{1,64}$/.test(prefix)) return undefined
    const range = [`sha256:${prefix}`, `sha256:${prefix}g`]
    const ids = this.#db.all<{ image_id: Digest }>(
      'SELECT DISTINCT image_id FROM images WHERE image_id >= ? AND image_id < ?',
      ...range,
    )
    if (ids.length > 1) throw fail('IMAGE_ID_AMBIGUOUS', `ambiguous image id ${prefix}: it fits ${ids.length} images`)
    const image = ids[0] && this.withId(ids[0].image_id)[0]
    return image && { image }
  }

  /** Reads an image as far as it is here, checks all of it, and collects what lists need to know. */
  #examine(root: Descriptor): { summary: ImageSummary; id: Digest } {
    const examined = this.#manifestsOf(root).map(({ descriptor, manifest }) => {
      return { platform: descriptor.platform, found: this.#examineManifest(descriptor.digest, manifest) }
    })
    const host = hostPlatform()
    const ours = examined.find(({ platform }) => platform && matchesPlatform(host, platform))
    const chosen = (ours ?? examined[0])?.found
    if (!chosen) throw fail('BLOB_NOT_FOUND', `no platform of ${root.digest} is in the store`)
    return chosen
  }

  /** The manifests of an image that are here with all their layers; of an index only those of images. */
  #manifestsOf(root: Descriptor): { descriptor: Descriptor; manifest: Manifest }[] {
    const document = this.#read(root)
    if (document.kind === 'manifest') return [{ descriptor: root, manifest: document.manifest }]
    const images: { descriptor: Descriptor; manifest: Manifest }[] = []
    for (const descriptor of document.index.manifests) {
      if (!this.#blobs.has(descriptor.digest)) continue
      const entry = this.#read(descriptor)
      this.link(descriptor.digest, entry)
      const isImage =
        entry.kind === 'manifest' && isImageManifest(entry.manifest) && descriptor.platform?.os !== 'unknown'
      if (isImage) images.push({ descriptor, manifest: entry.manifest })
    }
    const complete = images.filter(({ manifest }) => manifest.layers.every(({ digest }) => this.#recordOf(digest)))
    return complete.length > 0 ? complete : images.slice(0, 1)
  }

  #read(descriptor: Descriptor): ImageDocument {
    return parseImageDocument(this.#blobs.readWhole(descriptor.digest), descriptor.mediaType)
  }

  #examineManifest(digest: Digest, manifest: Manifest): { summary: ImageSummary; id: Digest } {
    const config = parseConfig(this.#blobs.readWhole(manifest.config.digest))
    checkImage(manifest, config)
    const diffIds = config.rootfs.diff_ids
    const layers = manifest.layers.map((layer, at) => this.#layerOf(layer.digest, diffIds[at]!, at))
    const summary: ImageSummary = {
      manifest: digest,
      ...(config.created === undefined ? {} : { created: config.created }),
      platform: formatPlatform(config),
      diffIds: [...diffIds],
      contentBytes: layers.reduce((sum, layer) => sum + layer.contentBytes, 0),
      labels: { ...config.config?.Labels },
    }
    return { summary, id: manifest.config.digest }
  }

  /** What a layer holds must be what the config says it does: else a scan and a run could see different files. */
  #layerOf(digest: Digest, diffId: Digest, at: number): LayerRecord {
    const record = this.#recordOf(digest)
    if (!record) throw fail('BLOB_NOT_FOUND', `layer ${digest} is not in the store`)
    if (record.diffId === diffId) return record
    throw fail('CONFIG_INVALID', `invalid diffID for layer ${at}: expected "${diffId}", got "${record.diffId}"`)
  }

  /** The layer that a manifest names by either of its digests. */
  #recordOf(digest: Digest): LayerRecord | undefined {
    return this.#layers.get(digest) ?? this.#layers.get(this.#layers.diffIdOf(digest) ?? digest)
  }

  #fromRow(row: ImageRow): StoredImage {
    const sql = 'SELECT name, tagged_at FROM names WHERE digest = ? ORDER BY name'
    const rows = this.#db.all<{ name: string; tagged_at: number }>(sql, row.digest)
    const names = rows.map(({ name }) => name)
    return {
      descriptor: { mediaType: row.media_type, digest: row.digest, size: row.size },
      id: row.image_id,
      names: names.filter((name) => !name.includes('@')),
      digests: names.filter((name) => name.includes('@')),
      summary: JSON.parse(row.summary) as ImageSummary,
      ...(rows.length === 0 ? {} : { taggedAt: Math.max(...rows.map((each) => each.tagged_at)) }),
    }
  }
}

interface ImageRow {
  digest: Digest
  media_type: string
  size: number
  image_id: Digest
  summary: string
}

function withoutTag(name: string): string {
  return name.replace(/:[^/:@]+@/, '@')
}
