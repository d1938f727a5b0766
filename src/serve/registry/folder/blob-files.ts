import { linkSync, mkdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { open } from 'node:fs/promises'
import path from 'node:path'
import { type Digest, errnoOf } from '../../../core/index.ts'
import { syncFolder } from '../../../host/index.ts'
import type { ChangeOptions, StoredBlob } from '../storage.ts'
import type { RegistryDatabase } from './database.ts'
import { discardFile } from './discard.ts'
import type { FolderLayout } from './layout.ts'

/** Blobs as files, and the rows that say they are there. */
export class BlobFiles {
  readonly #db: RegistryDatabase
  readonly #layout: FolderLayout
  /** Digests whose files are on their way in; collection leaves them alone. */
  readonly #arriving = new Map<Digest, number>()
  readonly #folders = new Set<string>()

  constructor(db: RegistryDatabase, layout: FolderLayout) {
    this.#db = db
    this.#layout = layout
  }

  /** Places the file, syncs the folder, then writes the rows: a row never stands for a name that a power failure may take. */
  async adopt(
    file: { path: string; digest: Digest; size: number },
    link: () => void,
    options: ChangeOptions,
  ): Promise<StoredBlob> {
    const { digest, size } = file
    const target = this.#layout.blob(digest)
    this.#arriving.set(digest, (this.#arriving.get(digest) ?? 0) + 1)
    try {
      if (!this.#isThere(digest, size)) {
        this.#makeFolder(path.dirname(target))
        place(file.path, target)
        await syncDirectory(path.dirname(target))
      }
      this.#db.transaction(() => {
        options.check?.()
        const now = Date.now()
        this.#db.run(
          `INSERT INTO blobs VALUES (?, ?, ?, ?, 'ok')
           ON CONFLICT (digest) DO UPDATE SET state = 'ok', last_linked_at = excluded.last_linked_at`,
          ...[digest, size, now, now],
        )
        link()
      })
      return { digest, size, path: target }
    } finally {
      this.#arrived(digest, target)
    }
  }

  /** A second upload of the same bytes needs no second file; one that is gone or damaged in length is replaced. */
  #isThere(digest: Digest, size: number): boolean {
    const row = this.#db.get("SELECT 1 FROM blobs WHERE digest = ? AND state = 'ok'", digest)
    return row !== undefined && statSync(this.#layout.blob(digest), { throwIfNoEntry: false })?.size === size
  }

  /** A file that got no row, because the change was refused, goes again. */
  #arrived(digest: Digest, target: string): void {
    const left = this.#arriving.get(digest)! - 1
    if (left > 0) {
      this.#arriving.set(digest, left)
      return
    }
    this.#arriving.delete(digest)
    if (this.#db.get('SELECT 1 FROM blobs WHERE digest = ?', digest)) return
    discardFile(this.#layout, target).catch(() => {})
  }

  async drop(digest: Digest, before: number): Promise<number | undefined> {
    if (this.#arriving.has(digest)) return undefined
    const sql = `UPDATE blobs SET state = 'deleting' WHERE digest = ? AND last_linked_at < ?
       AND NOT EXISTS (SELECT 1 FROM repo_blobs l WHERE l.digest = blobs.digest)`
    const marked = this.#db.freeing(() => this.#db.run(sql, digest, before))
    if (marked === 0) return undefined
    // the mark must be there before the file is gone, or a power failure would leave a row without its file
    await this.#db.durable()
    const row = this.#db.get<{ size: number }>("SELECT size FROM blobs WHERE digest = ? AND state = 'deleting'", digest)
    if (!row || this.#arriving.has(digest)) return undefined
    const gone = discardFile(this.#layout, this.#layout.blob(digest))
    this.#db.freeing(() => this.#db.run('DELETE FROM blobs WHERE digest = ?', digest))
    await gone
    return row.size
  }

  /** Removes the file of a blob that has no row and is not on its way to one; whether there was such a file. */
  dropOrphan(digest: Digest): boolean {
    if (this.#arriving.has(digest) || this.#db.get('SELECT 1 FROM blobs WHERE digest = ?', digest)) return false
    rmSync(this.#layout.blob(digest), { force: true })
    return true
  }

  #makeFolder(folder: string): void {
    if (this.#folders.has(folder)) return
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    syncFolder(path.dirname(folder))
    syncFolder(path.dirname(path.dirname(folder)))
    this.#folders.add(folder)
  }
}

/**
 * A second name for the file. It keeps its first one until the rows are there: an upload that is closed again after a
 * kill in between is whole.
 */
function place(file: string, target: string): void {
  rmSync(target, { force: true })
  try {
    linkSync(file, target)
  } catch (error) {
    // some file systems have one name for a file only
    if (!['EPERM', 'ENOTSUP', 'EMLINK'].includes(errnoOf(error) ?? '')) throw error
    renameSync(file, target)
  }
}

async function syncDirectory(folder: string): Promise<void> {
  const directory = await open(folder, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}
