import type { Digest } from '../../../core/index.ts'
import type { ChangeListener, Page, RegistryStorage } from '../storage.ts'
import { BlobFiles } from './blob-files.ts'
import { claimFolder } from './claim.ts'
import { FolderContext, type Grace } from './context.ts'
import type { RegistryDatabase } from './database.ts'
import { type FolderLayout, folderLayout } from './layout.ts'
import { PullTimes } from './pull-times.ts'
import { FolderRepository } from './repository.ts'
import { FolderUploads } from './uploads.ts'

/** A registry's own folder, as collection and the JSON API see it as well. */
export interface FolderStorage extends RegistryStorage {
  readonly database: RegistryDatabase
  readonly layout: FolderLayout
  repository(name: string): FolderRepository
  /**
   * Takes away a blob that no repository holds and that nobody asked for since `before` (Unix milliseconds). Never takes
   * one that is being committed. Answers with the bytes that it freed; `undefined` when the blob stays.
   */
  dropBlob(digest: Digest, before: number): Promise<number | undefined>
  /** When somebody last asked for a manifest by its digest (Unix milliseconds); 0 when not lately. */
  lastUse(repository: string, digest: Digest): number
  /** Brings what is gathered in memory (pull times) into the tables. */
  flush(): void
}

const HOUR = 3_600_000
const GRACE: Grace = { blobs: HOUR, manifests: 24 * HOUR }

/**
 * Opens a registry's folder, making it when it is not there. One process at a time may: fails with
 * `REGISTRY_IN_USE`, or with `REGISTRY_UNUSABLE`.
 */
export function openFolder(root: string, options: { grace?: Grace } = {}): FolderStorage {
  const layout = folderLayout(root)
  const { db, release } = claimFolder(layout, [layout.blobs, layout.uploads])
  const pulls = new PullTimes(db)
  const context = new FolderContext({ db, layout, pulls, grace: options.grace ?? GRACE })
  const repository = (name: string): FolderRepository => new FolderRepository(name, context)
  const files = new BlobFiles(db, layout)
  return {
    database: db,
    layout,
    uploads: new FolderUploads(db, layout, async (file, name, change) => {
      const blob = await files.adopt(file, () => repository(name).link(file, change), change)
      await db.durable()
      return blob
    }),
    repository,
    listen: (listener: ChangeListener) => context.listeners.add(listener),
    repositories: (page) => listRepositories(db, page),
    repositoriesWith: (digest, limit) => listHolders(db, digest, limit),
    dropBlob: (digest, before) => files.drop(digest, before),
    lastUse: (name, digest) => context.uses.last(name, digest),
    flush: () => pulls.write(),
    async [Symbol.asyncDispose]() {
      pulls.write()
      await db.durable()
      release()
    },
  }
}

function listRepositories(db: RegistryDatabase, { last = '', limit }: Page): string[] {
  const rows = db.all<{ name: string }>(
    `SELECT name FROM repositories r WHERE name > ?
       AND (EXISTS (SELECT 1 FROM manifests m WHERE m.repo = r.id) OR EXISTS (SELECT 1 FROM repo_blobs l WHERE l.repo = r.id))
     ORDER BY name LIMIT ?`,
    ...[last, limit],
  )
  return rows.map(({ name }) => name)
}

function listHolders(db: RegistryDatabase, digest: Digest, limit: number): string[] {
  const rows = db.all<{ name: string }>(
    `SELECT r.name FROM repo_blobs l JOIN repositories r ON r.id = l.repo
     JOIN blobs b ON b.digest = l.digest AND b.state = 'ok' WHERE l.digest = ? LIMIT ?`,
    ...[digest, limit],
  )
  return rows.map(({ name }) => name)
}
