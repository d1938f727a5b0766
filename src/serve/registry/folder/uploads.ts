import { randomUUID } from 'node:crypto'
import { readdirSync, rm, rmSync, statSync, truncateSync } from 'node:fs'
import { type Bytes, type Digest, type DigestAlgorithm, digestAlgorithm, fail } from '../../../core/index.ts'
import { bootId } from '../../../host/index.ts'
import type { ChangeOptions, StoredBlob, Upload, UploadHold, UploadStorage } from '../storage.ts'
import type { RegistryDatabase } from './database.ts'
import type { FolderLayout } from './layout.ts'
import { UploadFile } from './upload-file.ts'

/**
 * Makes a verified, synced file a blob of a repository; `adopted` is called in the transaction that does. The file may
 * keep its name, but nothing may be written to it any more.
 */
export type AdoptBlob = (
  file: { path: string; digest: Digest; size: number; adopted(): void },
  repository: string,
  options: ChangeOptions,
) => Promise<StoredBlob>

interface UploadRow {
  id: string
  repository: string
  algorithm: DigestAlgorithm
  written: number
  boot: string
}

/**
 * Uploads as files with a row each. As long as the machine runs, a file holds what was written to it, also when the
 * server is killed, so an upload goes on at the end of its file. After a power failure only what was synced is believed:
 * `written`, which is brought to the disk before bytes are acknowledged.
 */
export class FolderUploads implements UploadStorage {
  readonly #db: RegistryDatabase
  readonly #layout: FolderLayout
  readonly #adopt: AdoptBlob
  readonly #live = new Map<string, FolderUpload>()

  constructor(db: RegistryDatabase, layout: FolderLayout, adopt: AdoptBlob) {
    this.#db = db
    this.#layout = layout
    this.#adopt = adopt
    this.#sweep()
  }

  start(repository: string, options: { algorithm?: DigestAlgorithm; by?: string | undefined }): Upload {
    const { algorithm = 'sha256', by = null } = options
    const [id, now] = [randomUUID(), Date.now()]
    this.#db.run(
      'INSERT INTO uploads VALUES (?, ?, ?, 0, ?, ?, ?, ?)',
      ...[id, repository, algorithm, bootId(), now, now, by],
    )
    return this.#open({ id, repository, algorithm, written: 0, boot: bootId() })
  }

  find(repository: string, id: string): Upload | undefined {
    const live = this.#live.get(id)
    if (live) return live.repository === repository ? live : undefined
    const row = this.#db.get<UploadRow>('SELECT * FROM uploads WHERE id = ? AND repository = ?', id, repository)
    return row && this.#open(row)
  }

  expire(before: number): number {
    const rows = this.#db.all<{ id: string }>('SELECT id FROM uploads WHERE updated_at < ?', before)
    const idle = rows.filter(({ id }) => !this.#live.get(id)?.isHeld)
    for (const { id } of idle) this.#drop(id)
    return idle.length
  }

  #open(row: UploadRow): FolderUpload {
    const path = this.#layout.upload(row.id)
    const onDisk = statSync(path, { throwIfNoEntry: false })?.size ?? 0
    const size = row.boot === bootId() ? onDisk : Math.min(onDisk, row.written)
    if (size < onDisk) truncateSync(path, size)
    const upload = new FolderUpload(row, new UploadFile(path, { size, algorithm: row.algorithm }), {
      synced: (written) => this.#synced(row.id, written),
      adopt: (digest, length, options) => {
        const adopted = (): void => void this.#db.run('DELETE FROM uploads WHERE id = ?', row.id)
        return this.#adopt({ path, digest, size: length, adopted }, row.repository, options)
      },
      drop: () => this.#drop(row.id),
    })
    this.#live.set(row.id, upload)
    return upload
  }

  #synced(id: string, written: number): Promise<void> {
    const values = [written, bootId(), Date.now(), id]
    this.#db.run('UPDATE uploads SET written = ?, boot = ?, updated_at = ? WHERE id = ?', ...values)
    return this.#db.durable()
  }

  #drop(id: string): void {
    this.#live.delete(id)
    const forget = (): void => void this.#db.run('DELETE FROM uploads WHERE id = ?', id)
    const isForgotten = this.#db.unlessFull(forget)
    // In a thread: the file of an upload that was not needed may be large; one that a kill leaves goes at the next start.
    // On a full disk it makes the room for the change of the tables.
    rm(this.#layout.upload(id), { force: true }, () => void (isForgotten || this.#db.unlessFull(forget)))
  }

  /** Files whose rows are gone: the process was killed between the two. */
  #sweep(): void {
    const known = new Set(this.#db.all<{ id: string }>('SELECT id FROM uploads').map((row) => row.id))
    for (const name of readdirSync(this.#layout.uploads)) {
      if (!known.has(name)) rmSync(this.#layout.upload(name), { force: true })
    }
  }
}

/** What an upload asks of those that keep it. */
interface Keeper {
  synced(written: number): Promise<void>
  adopt(digest: Digest, size: number, options: ChangeOptions): Promise<StoredBlob>
  drop(): void
}

class FolderUpload implements Upload {
  readonly id: string
  readonly repository: string
  readonly #file: UploadFile
  readonly #keeper: Keeper
  #held = false
  #gone = false

  constructor(row: UploadRow, file: UploadFile, keeper: Keeper) {
    this.id = row.id
    this.repository = row.repository
    this.#file = file
    this.#keeper = keeper
  }

  get offset(): number {
    return this.#file.size
  }

  get isHeld(): boolean {
    return this.#held
  }

  take(): UploadHold | undefined {
    if (this.#held || this.#gone) return undefined
    this.#held = true
    return {
      append: (bytes, limit) => this.#append(bytes, limit),
      sync: () => this.#sync(),
      commit: (digest, options = {}) => this.#commit(digest, options),
      cancel: () => this.#drop(),
      [Symbol.dispose]: () => {
        this.#held = false
      },
    }
  }

  async #append(bytes: Bytes, limit: number): Promise<number> {
    await this.#file.append(bytes, limit)
    return this.#file.size
  }

  async #sync(): Promise<void> {
    await this.#file.sync()
    await this.#keeper.synced(this.#file.size)
  }

  async #commit(digest: Digest, options: ChangeOptions): Promise<StoredBlob> {
    const { size } = this.#file
    try {
      const actual = await this.#file.digest(digestAlgorithm(digest))
      if (actual !== digest) {
        throw fail('CONTENT_MISMATCH', `the uploaded bytes have the digest ${actual}, not ${digest}`)
      }
      await this.#file.sync()
      return await this.#keeper.adopt(digest, size, options)
    } finally {
      this.#drop()
    }
  }

  #drop(): void {
    if (!this.#gone) this.#keeper.drop()
    this.#gone = true
  }
}
