import { existsSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import { DIGEST_ALGORITHMS, type Digest, isDigest } from '../core/index.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'
import { sweepLeases } from './leases.ts'

/** What a collection took away. */
export interface Collected {
  digests: Digest[]
  /** Bytes of blobs and indexes; leftovers of killed processes count too. */
  bytes: number
}

/**
 * Deletes content that nothing refers to: no image, no container, no remembered build step, no living lease. Leftovers
 * of processes that died go too. Safe beside running work: everything happens in one transaction, and whoever needs
 * content holds it by a lease before looking whether it is there.
 */
export function collect(db: Database, layout: StoreLayout): Collected {
  return db.durably(() => {
    const living = sweepLeases(db)
    const reachable = new Set(db.all<{ digest: Digest }>(REACHABLE).map((row) => row.digest))
    const garbage = db.all<{ digest: Digest }>('SELECT digest FROM blobs').filter((row) => !reachable.has(row.digest))
    const digests = garbage.map((row) => row.digest)
    let bytes = 0
    for (const digest of digests) bytes += forget(db, layout, digest)
    bytes += sweepOrphans(db, layout, reachable)
    bytes += sweepFolders(layout.ingest(''), living)
    return { digests, bytes }
  })
}

/** Everything that must stay. A step whose layers are gone is no step: its layers are roots, so they are not gone. */
const REACHABLE = `
WITH RECURSIVE reachable (digest) AS (
  SELECT digest FROM images
  UNION SELECT image_digest FROM containers
  UNION SELECT diff_id FROM step_layers
  UNION SELECT digest FROM lease_items
  UNION SELECT links.child FROM links JOIN reachable ON links.parent = reachable.digest
)
SELECT digest FROM reachable
`

function forget(db: Database, layout: StoreLayout, digest: Digest): number {
  db.run('DELETE FROM blobs WHERE digest = ?', digest)
  db.run('DELETE FROM links WHERE parent = ?', digest)
  db.run('DELETE FROM referrers WHERE digest = ?', digest)
  db.run('DELETE FROM layers WHERE diff_id = ?', digest)
  db.run('DELETE FROM compressed WHERE digest = ? OR diff_id = ?', digest, digest)
  return removeFile(layout.blob(digest)) + removeFile(layout.index(digest))
}

/** Files that were renamed into place by a process that died before it could write the row. */
function sweepOrphans(db: Database, layout: StoreLayout, reachable: Set<Digest>): number {
  let bytes = 0
  for (const algorithm of DIGEST_ALGORITHMS) {
    const folder = path.join(layout.root, 'blobs', algorithm)
    for (const name of readdirSync(folder)) {
      const digest = `${algorithm}:${name}`
      if (isDigest(digest) && (reachable.has(digest) || db.get('SELECT 1 FROM blobs WHERE digest = ?', digest)))
        continue
      bytes += removeFile(path.join(folder, name))
    }
  }
  return bytes
}

function sweepFolders(folder: string, living: Set<string>): number {
  let bytes = 0
  for (const name of readdirSync(folder)) {
    if (living.has(name)) continue
    const target = path.join(folder, name)
    for (const file of readdirSync(target))
      bytes += statSync(path.join(target, file), { throwIfNoEntry: false })?.size ?? 0
    rmSync(target, { recursive: true, force: true })
  }
  return bytes
}

function removeFile(file: string): number {
  if (!existsSync(file)) return 0
  const { size } = statSync(file)
  rmSync(file, { recursive: true, force: true })
  return size
}
