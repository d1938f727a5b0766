import type { Digest } from '../../../core/index.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import type { Change, ChangeListener } from '../storage.ts'

/**
 * What lived only through a manifest follows it: entries of an index and referrers are looked at with the next
 * collection, and go if nothing else needs them and nobody uses them; so do blobs.
 */
export function createFollowers(db: RegistryDatabase): ChangeListener {
  let related: { repo: number; digest: Digest; kind: string }[] = []
  return {
    before(change: Change) {
      if (change.kind !== 'manifest-deleted') return
      related = db.all(
        `SELECT r.id AS repo, f.child AS digest, iif(f.kind = 'manifest', 'follower', 'blob') AS kind
           FROM repositories r JOIN manifest_refs f ON f.repo = r.id AND f.parent = ?2 WHERE r.name = ?1
         UNION SELECT r.id, m.digest, 'follower'
           FROM repositories r JOIN manifests m ON m.repo = r.id AND m.subject = ?2 WHERE r.name = ?1`,
        ...[change.repository, change.digest],
      )
    },
    after(change: Change) {
      if (change.kind !== 'manifest-deleted') return
      for (const { kind, repo, digest } of related) {
        db.run(
          'INSERT INTO gc_queue VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET due_at = ?4',
          kind,
          repo,
          digest,
          Date.now(),
        )
      }
      related = []
    },
  }
}
