import { type Digest, yieldToEvents } from '../../../core/index.ts'
import type { FolderStorage } from '../folder/folder.ts'
import type { GcRules } from './gc.ts'

/** Repositories, or blobs, that are looked at in one transaction. */
const PAGE = 100

/**
 * Puts everything that nothing needs into the queue of collection, where nobody did: after other settings, or by a
 * mistake. A part at a time, so that requests get through.
 */
export async function requeueUnneeded(storage: FolderStorage, rules: GcRules): Promise<void> {
  for (let last: number | undefined = 0; last !== undefined; ) {
    last = requeueContent(storage, rules, last)
    await yieldToEvents()
  }
  for (let last: string | undefined = ''; last !== undefined; ) {
    last = requeueBlobs(storage, last)
    await yieldToEvents()
  }
}

/** What repositories hold, of some after `last`; the last of them, `undefined` at the end. */
function requeueContent({ database: db }: FolderStorage, rules: GcRules, last: number): number | undefined {
  const now = Date.now()
  return db.transaction(() => {
    const sql = 'SELECT id FROM repositories WHERE id > ? ORDER BY id LIMIT ?'
    const ids = db.all<{ id: number }>(sql, last, PAGE)
    for (const { id } of ids) {
      if (rules.untagged) {
        db.run(
          `INSERT OR IGNORE INTO gc_queue SELECT 'manifest', m.repo, m.digest, ? FROM manifests m WHERE m.repo = ?
             AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.repo = m.repo AND t.digest = m.digest)
             AND NOT EXISTS (SELECT 1 FROM manifest_refs f WHERE f.repo = m.repo AND f.child = m.digest)
             AND NOT EXISTS (SELECT 1 FROM manifests s WHERE s.repo = m.repo AND s.digest = m.subject)`,
          ...[now + rules.manifestGrace, id],
        )
      }
      db.run(
        `INSERT OR IGNORE INTO gc_queue SELECT 'blob', l.repo, l.digest, ? FROM repo_blobs l WHERE l.repo = ?
           AND NOT EXISTS (SELECT 1 FROM manifest_refs f WHERE f.repo = l.repo AND f.child = l.digest)`,
        ...[now, id],
      )
    }
    return ids.at(-1)?.id
  })
}

/** Blobs that no repository holds, of some after `last`. */
function requeueBlobs({ database: db }: FolderStorage, last: string): string | undefined {
  const end = db.get<{ digest: Digest | null }>(
    'SELECT max(digest) AS digest FROM (SELECT digest FROM blobs WHERE digest > ? ORDER BY digest LIMIT ?)',
    ...[last, PAGE * 10],
  )?.digest
  if (end == null) return undefined
  db.run(
    `INSERT OR IGNORE INTO gc_queue SELECT 'blob', 0, b.digest, ? FROM blobs b WHERE b.digest > ? AND b.digest <= ?
       AND NOT EXISTS (SELECT 1 FROM repo_blobs l WHERE l.digest = b.digest)`,
    ...[Date.now(), last, end],
  )
  return end
}
