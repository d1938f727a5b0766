import { randomUUID } from 'node:crypto'
import { readdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import { DIGEST_ALGORITHMS, type Digest, digestHex, errnoOf, isDigest } from '../core/index.ts'
import { listCgroups, removeCgroup, removeTree } from '../host/index.ts'
import type { Database } from './database.ts'
import type { StoreLayout } from './layout.ts'
import { writeLayoutIndex } from './layout-index.ts'
import { forgetLeases, sortLeases } from './leases.ts'

/** What a collection took away. */
export interface Collected {
  digests: Digest[]
  /** Bytes of blobs and indexes; leftovers of killed processes count too. */
  bytes: number
}

/**
 * Deletes content that nothing refers to: no image, no container, no remembered build step, no living lease. Leftovers
 * of processes that died go too: unfinished files, snapshots, bundles, control groups. Safe beside running work: content
 * is judged and deleted in one transaction, and whoever needs content holds it by a lease before looking whether it is
 * there; what belongs to a dead process or to no container is nobody's, and can go at any time. A collection that is
 * cut off has done part of its work; the next one does the rest.
 */
export function collect(db: Database, layout: StoreLayout): Collected {
  const { dead, leftovers, ...collected } = db.durably(() => collectContent(db, layout))
  let { bytes } = collected
  for (const folder of leftovers.folders) bytes += removeTree(folder)
  for (const group of leftovers.cgroups) removeCgroup(group)
  forgetLeases(db, dead)
  return { digests: collected.digests, bytes }
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

interface ContentCollected extends Collected {
  dead: Set<string>
  leftovers: Leftovers
}

function collectContent(db: Database, layout: StoreLayout): ContentCollected {
  const { living, dead } = sortLeases(db)
  const reachable = new Set(db.all<{ digest: Digest }>(REACHABLE).map((row) => row.digest))
  const garbage = db.all<{ digest: Digest }>('SELECT digest FROM blobs').filter((row) => !reachable.has(row.digest))
  const digests = garbage.map((row) => row.digest)
  // before anything goes that a change which was cut off has left in it
  writeLayoutIndex(db, layout)
  let bytes = 0
  for (const digest of digests) bytes += forget(db, layout, digest)
  bytes += sweepOrphans(db, layout, reachable)
  bytes += sweepDerived(layout, reachable)
  const containers = db.all<{ id: string }>('SELECT id FROM containers').map((row) => row.id)
  return { digests, bytes, dead, leftovers: findLeftovers(layout, living, containers) }
}

function forget(db: Database, layout: StoreLayout, digest: Digest): number {
  db.run('DELETE FROM blobs WHERE digest = ?', digest)
  db.run('DELETE FROM links WHERE parent = ?', digest)
  db.run('DELETE FROM referrers WHERE digest = ?', digest)
  db.run('DELETE FROM layers WHERE diff_id = ?', digest)
  db.run('DELETE FROM compressed WHERE digest = ? OR diff_id = ?', digest, digest)
  return removeTree(layout.blob(digest))
}

/** Files that were renamed into place by a process that died before it could write the row. */
function sweepOrphans(db: Database, layout: StoreLayout, reachable: ReadonlySet<Digest>): number {
  let bytes = 0
  for (const algorithm of DIGEST_ALGORITHMS) {
    const folder = path.join(layout.root, 'blobs', algorithm)
    for (const name of readdirSync(folder)) {
      const digest = `${algorithm}:${name}`
      if (isDigest(digest) && (reachable.has(digest) || db.get('SELECT 1 FROM blobs WHERE digest = ?', digest)))
        continue
      bytes += removeTree(path.join(folder, name))
    }
  }
  return bytes
}

/**
 * What is made from layers and can be made again: indexes, and unpacked layers. They are named by what they are of,
 * which a layer that is there links to. Folders only get out of the way here; they are removed afterwards.
 */
function sweepDerived(layout: StoreLayout, reachable: ReadonlySet<Digest>): number {
  const needed = new Set([...reachable].map(digestHex))
  let bytes = 0
  for (const name of readdirSync(layout.indexes)) {
    if (!needed.has(path.basename(name, '.erofs'))) bytes += removeTree(path.join(layout.indexes, name))
  }
  for (const name of readdirSync(layout.directories)) {
    if (!needed.has(name)) renameSync(path.join(layout.directories, name), layout.ingest(`unneeded-${randomUUID()}`))
  }
  return bytes
}

/** What belongs to nobody. */
interface Leftovers {
  folders: string[]
  cgroups: string[]
}

/**
 * Finds what dead processes and removed containers left. Their names say whose they are, and rows come before files:
 * what has no owner now will never have one. Call inside a transaction; what is found can be removed after it.
 */
function findLeftovers(layout: StoreLayout, leases: ReadonlySet<string>, containers: readonly string[]): Leftovers {
  const known = new Set(containers.flatMap((id) => [id, id.slice(0, 12)]))
  const isOwned = (name: string): boolean => known.has(name) || leases.has(LEASE_IN_NAME.exec(name)?.[1] ?? '')
  // nothing is under way, nor can be before this transaction ends
  if (leases.size + containers.length === 0) removeCgroup(layout.cgroup)
  if (leases.size === 0) removeTree(layout.locks)
  const { runtime, snapshots } = layout
  const below = (folder: string): string[] => namesIn(folder).map((name) => path.join(folder, name))
  const candidates = [
    ...[layout.ingest(''), snapshots, layout.containers].flatMap(below),
    ...below(runtime).filter((folder) => path.basename(folder).startsWith('build-')),
    ...[path.join(runtime, 'c'), path.join(runtime, 'runtime')].flatMap(below),
  ]
  return {
    folders: candidates.filter((folder) => !isOwned(path.basename(folder))),
    cgroups: listCgroups(layout.cgroup)
      .filter((name) => !isOwned(name))
      .map((name) => path.join(layout.cgroup, name)),
  }
}

/** Snapshots, bundles and control groups of a build are called `build-LEASE` and perhaps a number. */
const LEASE_IN_NAME = /^(?:build-)?([0-9a-f]{16})(?:-\d+)?$/

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
