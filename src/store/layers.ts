import { existsSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { type Bytes, type Digest, digestOf, fail, hasCode, type Job, OnceAtATime, silentJob } from '../core/index.ts'
import { syncFolder } from '../host/index.ts'
import {
  type Compression,
  type FileTree,
  importLayer,
  indexLayer,
  type LayerFiles,
  type LayerIndex,
  type LayerLimits,
  type LayerSummary,
  mergeLayers,
  openFileTree,
  openLayer,
  visibleLayers,
} from '../layer/index.ts'
import { chainId } from '../oci/index.ts'
import type { BlobStore } from './blobs.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'
import { Lease } from './leases.ts'

/** A layer in the store: its plain tar is a blob, its index lies beside. */
export type LayerRecord = LayerSummary

/** A layer, or several merged ones, as the kernel mounts it. */
export interface Mountable {
  layer: LayerIndex
  /** Good as the name of a mount point: equal names mean equal content. */
  name: string
}

// overlayfs takes 500; some are needed for directories on top
const MOST_LOWERS = 400

/** Layers by diffId. A layer is there when its row is; the index can always be made again from the tar. */
export class LayerStore {
  readonly #layout: StoreLayout
  readonly #db: Database
  readonly #blobs: BlobStore
  readonly #making = new OnceAtATime<Digest, void>()

  constructor(layout: StoreLayout, db: Database, blobs: BlobStore) {
    this.#layout = layout
    this.#db = db
    this.#blobs = blobs
  }

  /** The record of a layer that is there, else `undefined`. */
  get(diffId: Digest): LayerRecord | undefined {
    const row = this.#db.get<LayerRow>('SELECT * FROM layers WHERE diff_id = ?', diffId)
    return row && this.#blobs.has(diffId) ? fromRow(row) : undefined
  }

  /** The diffId of a layer that came compressed, when the layer is there. */
  diffIdOf(compressed: Digest): Digest | undefined {
    const row = this.#db.get<{ diff_id: Digest }>('SELECT diff_id FROM compressed WHERE digest = ?', compressed)
    return row && this.get(row.diff_id) ? row.diff_id : undefined
  }

  /** Digests of the compressed forms of a layer that were seen; not all of them need be here. */
  compressedForms(diffId: Digest): Digest[] {
    const rows = this.#db.all<{ digest: Digest }>('SELECT digest FROM compressed WHERE diff_id = ?', diffId)
    return rows.map(({ digest }) => digest).sort()
  }

  /** Fresh paths for a layer that is about to be written. */
  temporary(lease: Lease): LayerFiles {
    const tar = this.#blobs.temporary(lease)
    return { tar, index: `${tar}.erofs` }
  }

  /** Takes over a layer that was written to `files` and has reached the disk. The row comes last: it says that all is there. */
  adopt(files: LayerFiles, summary: LayerSummary, lease: Lease): LayerRecord {
    this.#blobs.adopt(files.tar, summary.diffId, summary.size, lease)
    const index = this.#layout.index(summary.diffId)
    renameSync(files.index, index)
    syncFolder(path.dirname(index))
    const { diffId, size, contentBytes, entries, needsParent } = summary
    const values = [diffId, size, contentBytes, entries, Number(needsParent)]
    this.#db.run('INSERT OR REPLACE INTO layers VALUES (?, ?, ?, ?, ?)', ...values)
    return summary
  }

  /**
   * Stores a layer that comes as a tar, plain or compressed. What arrived compressed is remembered by both digests;
   * the compressed bytes themselves are not kept here. A `digest` is what the source verifies that it has.
   */
  async import(
    source: Bytes,
    options: { lease: Lease; limits?: Partial<LayerLimits>; task?: string; total?: number; digest?: Digest },
    job: Job,
  ): Promise<{ record: LayerRecord; compression: Compression; compressed: { digest: Digest; size: number } }> {
    const { lease, ...rest } = options
    const files = this.temporary(lease)
    const { compressed, compression, ...imported } = await importLayer(source, files, rest, job)
    const record = this.adopt(files, imported, lease)
    if (compressed.digest !== record.diffId) this.rememberCompressed(compressed.digest, record.diffId)
    return { record, compression, compressed }
  }

  /** Notes that a compressed blob holds this layer. */
  rememberCompressed(compressed: Digest, diffId: Digest): void {
    this.#db.run('INSERT OR REPLACE INTO compressed VALUES (?, ?)', compressed, diffId)
    this.#db.run('INSERT OR IGNORE INTO links VALUES (?, ?)', compressed, diffId)
  }

  /**
   * Makes sure that a stack from elsewhere, bottom first, can be mounted: settles what its layers say about those below
   * them. Fails with `LAYER_LINK_BROKEN` and the like.
   */
  async settle(diffIds: readonly Digest[], job: Job): Promise<void> {
    const [bottom] = diffIds
    if (bottom && this.get(bottom)?.needsParent) await this.#checkBottom(bottom, job)
    await this.indexes(diffIds, job)
  }

  /** The merged view of a stack of layers, bottom first. Fails with `BLOB_NOT_FOUND`. */
  async tree(diffIds: readonly Digest[], job: Job = silentJob): Promise<FileTree> {
    return openFileTree(await this.#open(diffIds, job))
  }

  /** Paths of the indexes of a stack, bottom first, made where missing. Fails with `BLOB_NOT_FOUND`. */
  async indexes(diffIds: readonly Digest[], job: Job = silentJob): Promise<string[]> {
    const paths: string[] = []
    for (const position of diffIds.keys()) paths.push(await this.#index(diffIds.slice(0, position + 1), job))
    return paths
  }

  /**
   * What to mount for a stack, bottom first: each index with the tars it points into. Empty layers are left out, and
   * of a layer that occurs twice only the upper occurrence counts: it alone decides about every name it mentions.
   * A stack deeper than overlayfs allows comes as one merged index.
   */
  async mountables(diffIds: readonly Digest[], job: Job = silentJob): Promise<Mountable[]> {
    const layers = await this.#open(diffIds, job)
    const needed = visibleLayers(layers.filter((layer, at) => layer.entries > 0 && isLast(diffIds, at)))
    const chosen = needed.length > MOST_LOWERS ? [await this.#merged(diffIds, layers, job)] : needed
    return chosen.map((layer) => ({ layer, name: path.basename(layer.path, '.erofs') }))
  }

  /** The blob of a layer's plain tar. */
  tarPath(diffId: Digest): string {
    return this.#blobs.path(diffId)
  }

  /** One index of the whole stack, made once and kept beside the others. */
  async #merged(diffIds: readonly Digest[], layers: readonly LayerIndex[], job: Job): Promise<LayerIndex> {
    const id = digestOf(`merged ${chainId(diffIds)}`)
    await this.#makeIndex(id, diffIds, (temporary) => mergeLayers(layers, temporary, job))
    return openLayer(this.#layout.index(id), (diffId) => this.#blobs.path(diffId))
  }

  async #open(diffIds: readonly Digest[], job: Job): Promise<LayerIndex[]> {
    const indexes = await this.indexes(diffIds, job)
    return Promise.all(indexes.map((index, position) => this.#openOrRemake(index, diffIds.slice(0, position + 1), job)))
  }

  /** The index is a cache: one that cannot be read is made again. */
  async #openOrRemake(index: string, stack: readonly Digest[], job: Job): Promise<LayerIndex> {
    const open = (): LayerIndex => openLayer(index, (diffId) => this.#blobs.path(diffId))
    try {
      return open()
    } catch (error) {
      if (!hasCode(error, 'LAYER_INDEX_INVALID')) throw error
      rmSync(index, { force: true })
      await this.#index(stack, job)
      return open()
    }
  }

  /** The index of the topmost layer of a stack; depends on the stack only when the layer itself says so. */
  async #index(stack: readonly Digest[], job: Job): Promise<string> {
    const diffId = stack.at(-1)!
    const record = this.get(diffId)
    if (!record) throw fail('BLOB_NOT_FOUND', `layer ${diffId} is not in the store`)
    const ownIndex = !record.needsParent || stack.length === 1
    const id = ownIndex ? diffId : chainId(stack)!
    await this.#makeIndex(id, stack, async (temporary) => {
      const parent = ownIndex ? undefined : await this.tree(stack.slice(0, -1), job)
      await indexLayer(this.tarPath(diffId), temporary, { diffId, parent }, job)
    })
    return this.#layout.index(id)
  }

  /** Makes an index of a stack where it is missing. It stays as long as the topmost layer does. */
  async #makeIndex(
    id: Digest,
    stack: readonly Digest[],
    write: (temporary: string) => Promise<unknown>,
  ): Promise<void> {
    const index = this.#layout.index(id)
    if (existsSync(index)) return
    await this.#making.get(id, async () => {
      using lease = new Lease(this.#db, this.#layout)
      lease.hold([...stack, id])
      const temporary = this.#blobs.temporary(lease)
      await write(temporary)
      const top = stack.at(-1)!
      if (id !== top) this.#db.run('INSERT OR IGNORE INTO links VALUES (?, ?)', top, id)
      renameSync(temporary, index)
    })
  }

  async #checkBottom(diffId: Digest, job: Job): Promise<void> {
    using lease = new Lease(this.#db, this.#layout)
    const parent = openFileTree([])
    await indexLayer(this.tarPath(diffId), this.#blobs.temporary(lease), { diffId, parent }, job)
  }
}

const isLast = (list: readonly unknown[], at: number): boolean => list.lastIndexOf(list[at]) === at

interface LayerRow {
  diff_id: Digest
  size: number
  content_bytes: number
  entries: number
  needs_parent: number
}

function fromRow(row: LayerRow): LayerRecord {
  return {
    diffId: row.diff_id,
    size: row.size,
    contentBytes: row.content_bytes,
    entries: row.entries,
    needsParent: row.needs_parent !== 0,
  }
}
