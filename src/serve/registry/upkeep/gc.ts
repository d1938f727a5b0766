import { type Digest, mapLimit, OnceAtATime, yieldToEvents } from '../../../core/index.ts'
import type { FolderStorage } from '../folder/folder.ts'
import { type Collected, Collector, type CollectRules, nothingCollected } from './collect.ts'
import { readState, writeState } from './state.ts'

/** How collection is set. Times are milliseconds. */
export interface GcRules extends CollectRules {
  manifestGrace: number
  /** After which an upload that nothing came for is dropped. */
  uploadAge: number
}

/** A run of collection. */
export interface GcRun extends Collected {
  startedAt: number
  finishedAt: number
  /** Uploads that were given up. */
  uploads: number
}

/** What collection has done, and what is to come. */
export interface GcState {
  rules: GcRules
  lastRun: GcRun | undefined
  /** Since the registry was made. */
  total: { manifests: number; blobs: number; bytes: number }
  /** What nothing needs at the moment, and when the first of it is looked at. */
  waiting: { manifests: number; blobs: number; bytes: number; nextAt: number | undefined }
}

/** Online collection: runs beside pushes and pulls, a little at a time. */
export interface Gc {
  /** Takes everything that is due. Calls during a run share it. */
  run(): Promise<GcRun>
  /** What a run would take now; with `change`, what would go in the end because of that change. Changes nothing. */
  preview(change?: () => void): Collected
  state(): GcState
}

/** Entries of the queue for each transaction, and files that are taken at once. */
const BATCH = 50
const FILES = 8

/** A time when everything is due. */
const EVENTUALLY = Number.MAX_SAFE_INTEGER

/** Collection for the folder of a registry. Finishes first what an earlier process was killed in. */
export function createGc(storage: FolderStorage, rules: GcRules): Gc {
  const { database: db } = storage
  const collector = new Collector(storage, rules)
  const once = new OnceAtATime<'run', GcRun>()
  db.run(`INSERT INTO gc_queue SELECT 'blob', 0, digest, 0 FROM blobs WHERE state = 'deleting'
          ON CONFLICT DO UPDATE SET due_at = 0`)
  return {
    run: () => once.get('run', () => runGc(storage, collector, rules)),
    preview: (change) => preview(storage, collector, change),
    state: () => ({
      rules,
      lastRun: readState<GcRun>(db, 'gc.last'),
      total: readState<GcState['total']>(db, 'gc.total') ?? { manifests: 0, blobs: 0, bytes: 0 },
      waiting: waiting(storage, rules),
    }),
  }
}

async function runGc(storage: FolderStorage, collector: Collector, rules: GcRules): Promise<GcRun> {
  const startedAt = Date.now()
  storage.flush()
  const into = nothingCollected()
  const uploads = storage.uploads.expire(startedAt - rules.uploadAge)
  while (collector.collect(BATCH, Date.now(), into) > 0) await yieldToEvents()
  await dropFiles(collector, into)
  const run = { startedAt, finishedAt: Date.now(), uploads, ...into }
  remember(storage, run)
  return run
}

async function dropFiles(collector: Collector, into: Collected): Promise<void> {
  const now = Date.now()
  while (collector.settleFiles(BATCH, now) > 0) await yieldToEvents()
  for (;;) {
    const files = collector.unheld(BATCH, now)
    if (files.length === 0) return
    await mapLimit(files, FILES, ({ digest }) => collector.dropFile(digest, now, into))
  }
}

/** A run that did nothing is not worth a row each minute, but the last run is. */
function remember({ database: db }: FolderStorage, run: GcRun): void {
  db.transaction(() => {
    writeState(db, 'gc.last', run)
    if (run.manifests + run.links + run.blobs === 0) return
    const total = readState<GcState['total']>(db, 'gc.total') ?? { manifests: 0, blobs: 0, bytes: 0 }
    writeState(db, 'gc.total', {
      manifests: total.manifests + run.manifests,
      blobs: total.blobs + run.blobs,
      bytes: total.bytes + run.bytes,
    })
  })
}

/** Leaves the transaction without its changes. */
class Undo extends Error {}

/** Does it, looks at what is gone, and takes it back: so a preview says what would really happen. */
function preview(storage: FolderStorage, collector: Collector, change?: () => void): Collected {
  const { database: db } = storage
  const into: Collected = { ...nothingCollected(), taken: [] }
  const now = (): number => (change ? EVENTUALLY : Date.now())
  const grace = change ? 0 : undefined
  try {
    db.transaction(() => {
      if (change) {
        db.run('DELETE FROM gc_queue')
        change()
      }
      while (collector.collect(BATCH, now(), into, grace) > 0);
      const files = collector.unheld(EVENTUALLY, now(), grace)
      into.blobs = files.length
      into.bytes = files.reduce((sum, { size }) => sum + size, 0)
      throw new Undo()
    })
  } catch (error) {
    if (!(error instanceof Undo)) throw error
  }
  return into
}

function waiting({ database: db }: FolderStorage, { untagged }: GcRules): GcState['waiting'] {
  const manifests = db.get<{ count: number; next: number | null }>(
    `SELECT count(*) AS count, min(q.due_at) AS next FROM gc_queue q
     JOIN manifests m ON m.repo = q.repo AND m.digest = q.digest
     WHERE (q.kind = 'follower' OR q.kind = 'manifest' AND ?)
       AND NOT EXISTS (SELECT 1 FROM tags t WHERE t.repo = m.repo AND t.digest = m.digest)
       AND NOT EXISTS (SELECT 1 FROM manifest_refs f WHERE f.repo = m.repo AND f.child = m.digest)
       AND NOT EXISTS (SELECT 1 FROM manifests s WHERE s.repo = m.repo AND s.digest = m.subject)`,
    untagged ? 1 : 0,
  )!
  const blobs = db.get<{ count: number; bytes: number; next: number | null }>(
    `SELECT count(*) AS count, coalesce(sum(b.size), 0) AS bytes, min(q.due_at) AS next
     FROM (SELECT digest, min(due_at) AS due_at FROM gc_queue WHERE kind = 'blob' GROUP BY digest) q
     JOIN blobs b ON b.digest = q.digest
     WHERE NOT EXISTS (SELECT 1 FROM repo_blobs l JOIN manifest_refs f ON f.repo = l.repo AND f.child = l.digest
                       WHERE l.digest = q.digest)`,
  )!
  const times = [manifests.next, blobs.next].filter((time) => time !== null)
  const nextAt = times.length > 0 ? Math.min(...times) : undefined
  return { manifests: manifests.count, blobs: blobs.count, bytes: blobs.bytes, nextAt }
}

/** What a request to delete would free: for previews that the API shows. */
export function previewDelete(
  gc: Gc,
  storage: FolderStorage,
  target: { repository: string; tag?: string; digest?: Digest },
): Collected {
  const repository = storage.repository(target.repository)
  return gc.preview(() => {
    const change =
      target.tag === undefined ? repository.deleteManifest(target.digest!) : repository.deleteTag(target.tag)
    change.catch(() => {})
  })
}
