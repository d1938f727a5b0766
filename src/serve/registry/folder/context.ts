import type { Digest } from '../../../core/index.ts'
import { Listeners } from '../listeners.ts'
import type { Change } from '../storage.ts'
import type { RegistryDatabase } from './database.ts'
import type { FolderLayout } from './layout.ts'
import type { PullTimes } from './pull-times.ts'
import { RecentUses } from './recent-uses.ts'

/** Milliseconds until something that may be garbage is looked at. */
export interface Grace {
  readonly blobs: number
  readonly manifests: number
}

/** What the repositories of one folder share. */
export class FolderContext {
  readonly db: RegistryDatabase
  readonly layout: FolderLayout
  readonly pulls: PullTimes
  readonly uses: RecentUses = new RecentUses()
  readonly #grace: Grace
  /** Milliseconds within which a blob's last use is not noted again. */
  readonly useStep: number
  readonly listeners: Listeners = new Listeners()

  constructor(parts: { db: RegistryDatabase; layout: FolderLayout; pulls: PullTimes; grace: Grace }) {
    this.db = parts.db
    this.layout = parts.layout
    this.pulls = parts.pulls
    this.#grace = parts.grace
    this.useStep = Math.min(60_000, parts.grace.blobs / 2)
  }

  /** Makes a change with all who listen. Call in a transaction. */
  changing(change: Change, work: () => void): void {
    this.listeners.before(change)
    work()
    this.listeners.after(change)
  }

  /** Something may have become garbage, or not become needed: collection looks when its grace is over. */
  suspect(kind: 'blob' | 'manifest', repo: number, digest: Digest): void {
    const due = Date.now() + (kind === 'blob' ? this.#grace.blobs : this.#grace.manifests)
    this.db.run(
      'INSERT INTO gc_queue VALUES (?, ?, ?, ?) ON CONFLICT (kind, repo, digest) DO UPDATE SET due_at = excluded.due_at',
      ...[kind, repo, digest, due],
    )
  }

  /** Somebody needs this blob now. */
  used(digest: Digest, now: number): void {
    this.db.run('UPDATE blobs SET last_linked_at = ? WHERE digest = ?', now, digest)
  }
}
