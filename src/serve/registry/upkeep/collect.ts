import { type Digest, digestAlgorithm, digestHex } from '../../../core/index.ts'
import type { FolderStorage } from '../folder/folder.ts'

/** What the registry is called in records of what it did on its own. No user can have a name with a colon. */
export const COLLECTOR = 'registry:gc'

/** Milliseconds until something that could not be taken is tried again. */
const RETRY = 3_600_000

/** How long what may be garbage is left alone, in milliseconds. */
export interface CollectRules {
  blobGrace: number
  /** Whether manifests without a tag go when nothing else names them. What followed a manifest that went goes anyway. */
  untagged: boolean
}

/** What went. */
export interface Collected {
  manifests: number
  /** Blobs that left a repository. */
  links: number
  /** Blobs that left the disk, and their bytes. */
  blobs: number
  bytes: number
  /** Which manifests, where somebody wants to know. */
  taken?: { repository: string; digest: Digest }[]
}

/** Nothing yet. */
export function nothingCollected(): Collected {
  return { manifests: 0, links: 0, blobs: 0, bytes: 0 }
}

/** An entry of the queue of what may be garbage. */
interface Suspect {
  kind: 'blob' | 'manifest' | 'follower'
  repo: number
  digest: Digest
  name: string | null
}

/**
 * Looks at entries of the queue that are due, and takes what nothing needs any more out of the tables; in one
 * transaction, so that whoever pushes sees it before or after. Files are taken by `dropFiles` later. What is used at the
 * moment gets a new date; what is needed leaves the queue: it comes back when that which needs it goes.
 */
export class Collector {
  readonly #storage: FolderStorage
  readonly #rules: CollectRules

  constructor(storage: FolderStorage, rules: CollectRules) {
    this.#storage = storage
    this.#rules = rules
  }

  /**
   * Takes up to `limit` entries that are due at `now`; answers with how many it looked at. `into` counts what went.
   * With `grace` 0 nothing is too young, which is for finding out what would go in the end.
   */
  collect(limit: number, now: number, into: Collected, grace: number = this.#rules.blobGrace): number {
    const { database: db } = this.#storage
    return db.freeing(() => {
      const suspects = db.all<Suspect>(
        `SELECT q.kind, q.repo, q.digest, r.name FROM gc_queue q LEFT JOIN repositories r ON r.id = q.repo
         WHERE q.due_at <= ? AND NOT (q.kind = 'blob' AND q.repo = 0) ORDER BY q.due_at LIMIT ?`,
        ...[now, limit],
      )
      for (const suspect of suspects) {
        const due = this.#judge(suspect, now, grace, into)
        if (due === undefined) this.#forget(suspect)
        else this.#postpone(suspect, due)
      }
      return suspects.length
    })
  }

  /** Blobs that no repository holds and nobody used for the grace time, with their sizes: those whose files may go. */
  unheld(limit: number, now: number, grace: number = this.#rules.blobGrace): { digest: Digest; size: number }[] {
    return this.#storage.database.all(
      `SELECT q.digest, b.size FROM gc_queue q JOIN blobs b ON b.digest = q.digest
       WHERE q.kind = 'blob' AND q.repo = 0 AND q.due_at <= ?1 AND b.last_linked_at <= ?1 - ?2
         AND NOT EXISTS (SELECT 1 FROM repo_blobs l WHERE l.digest = q.digest)
       ORDER BY q.due_at LIMIT ?3`,
      ...[now, grace, limit],
    )
  }

  /** Takes the file of a blob that `unheld` named. False when it came into use meanwhile. */
  async dropFile(digest: Digest, now: number, into: Collected): Promise<boolean> {
    const bytes = await this.#storage.dropBlob(digest, now - this.#rules.blobGrace + 1)
    const { database: db } = this.#storage
    if (bytes === undefined) {
      db.run("UPDATE gc_queue SET due_at = ? WHERE kind = 'blob' AND repo = 0 AND digest = ?", now + 60_000, digest)
      return false
    }
    into.blobs++
    into.bytes += bytes
    db.run("DELETE FROM gc_queue WHERE kind = 'blob' AND repo = 0 AND digest = ?", digest)
    db.run('DELETE FROM image_facts WHERE config_digest = ?', digest)
    return true
  }

  /** Entries about files of blobs that are held again, or gone, are settled. Those in use wait on. */
  settleFiles(limit: number, now: number): number {
    const { database: db } = this.#storage
    return db.run(
      `DELETE FROM gc_queue WHERE kind = 'blob' AND repo = 0 AND digest IN (
         SELECT q.digest FROM gc_queue q WHERE q.kind = 'blob' AND q.repo = 0 AND q.due_at <= ?
           AND (EXISTS (SELECT 1 FROM repo_blobs l WHERE l.digest = q.digest)
             OR NOT EXISTS (SELECT 1 FROM blobs b WHERE b.digest = q.digest)) LIMIT ?)`,
      ...[now, limit],
    )
  }

  /** When to look again, or `undefined` when that is settled. */
  #judge(suspect: Suspect, now: number, grace: number, into: Collected): number | undefined {
    if (suspect.name === null) return undefined
    return suspect.kind === 'blob'
      ? this.#judgeBlob(suspect, suspect.name, now, grace, into)
      : this.#judgeManifest(suspect, suspect.name, now, grace, into)
  }

  #judgeManifest(suspect: Suspect, name: string, now: number, grace: number, into: Collected): number | undefined {
    const { repo, digest, kind } = suspect
    const row = this.#storage.database.get<{ pushed_at: number; pulled_at: number | null; needed: number }>(
      `SELECT m.pushed_at, m.pulled_at,
         EXISTS (SELECT 1 FROM tags t WHERE t.repo = m.repo AND t.digest = m.digest)
         OR EXISTS (SELECT 1 FROM manifest_refs f WHERE f.repo = m.repo AND f.child = m.digest)
         OR EXISTS (SELECT 1 FROM manifests s WHERE s.repo = m.repo AND s.digest = m.subject) AS needed
       FROM manifests m WHERE m.repo = ? AND m.digest = ?`,
      ...[repo, digest],
    )
    if (!row || row.needed) return undefined
    if (kind === 'manifest' && !this.#rules.untagged) return undefined
    const used = Math.max(row.pushed_at, row.pulled_at ?? 0, this.#storage.lastUse(name, digest))
    if (used + grace > now) return used + grace
    if (!this.#removeManifest(name, repo, digest)) return now + RETRY
    into.manifests++
    into.taken?.push({ repository: name, digest })
    return undefined
  }

  /** With the tags that clients without the referrers API made for its signatures. False when a policy refused it. */
  #removeManifest(name: string, repo: number, digest: Digest): boolean {
    const { database: db } = this.#storage
    const repository = this.#storage.repository(name)
    atOnce(repository.deleteManifest(digest, { by: COLLECTOR }))
    if (db.get('SELECT 1 FROM manifests WHERE repo = ? AND digest = ?', repo, digest)) return false
    const tag = `${digestAlgorithm(digest)}-${digestHex(digest)}`
    const followers = db.all<{ name: string }>(
      "SELECT name FROM tags WHERE repo = ?1 AND (name = ?2 OR name >= ?2 || '.' AND name < ?2 || '/')",
      ...[repo, tag],
    )
    for (const follower of followers) atOnce(repository.deleteTag(follower.name, { by: COLLECTOR }))
    return true
  }

  #judgeBlob(suspect: Suspect, name: string, now: number, grace: number, into: Collected): number | undefined {
    const { repo, digest } = suspect
    const { database: db } = this.#storage
    const row = db.get<{ last_linked_at: number; needed: number }>(
      `SELECT b.last_linked_at,
         EXISTS (SELECT 1 FROM manifest_refs f WHERE f.repo = l.repo AND f.child = l.digest) AS needed
       FROM repo_blobs l JOIN blobs b ON b.digest = l.digest WHERE l.repo = ? AND l.digest = ?`,
      ...[repo, digest],
    )
    if (!row || row.needed) return undefined
    if (row.last_linked_at + grace > now) return row.last_linked_at + grace
    atOnce(this.#storage.repository(name).deleteBlob(digest, { by: COLLECTOR }))
    // a damaged blob is not there for deleteBlob
    db.run('DELETE FROM repo_blobs WHERE repo = ? AND digest = ?', repo, digest)
    db.run("INSERT INTO gc_queue VALUES ('blob', 0, ?1, ?2) ON CONFLICT DO UPDATE SET due_at = ?2", digest, now)
    into.links++
    return undefined
  }

  #forget({ kind, repo, digest }: Suspect): void {
    this.#storage.database.run('DELETE FROM gc_queue WHERE kind = ? AND repo = ? AND digest = ?', kind, repo, digest)
  }

  #postpone({ kind, repo, digest }: Suspect, due: number): void {
    const sql = 'UPDATE gc_queue SET due_at = ? WHERE kind = ? AND repo = ? AND digest = ?'
    this.#storage.database.run(sql, due, kind, repo, digest)
  }
}

/**
 * A change is made, or refused, before its promise is there; the promise says when the disk has it, for which nobody
 * waits here. What became of it is seen in the tables.
 */
function atOnce(change: Promise<boolean>): void {
  change.catch(() => {})
}
