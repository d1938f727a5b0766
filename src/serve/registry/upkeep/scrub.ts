import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  DIGEST_ALGORITHMS,
  type Digest,
  digestAlgorithm,
  digestHex,
  errnoOf,
  isDigest,
  OnceAtATime,
  yieldToEvents,
} from '../../../core/index.ts'
import type { FolderStorage } from '../folder/folder.ts'
import { readState, writeState } from './state.ts'

/** A pass over all blobs. */
export interface ScrubRun {
  startedAt: number
  /** Absent while the pass is under way, or was cut off: the next goes on behind `last`. */
  finishedAt?: number
  last?: Digest
  checked: number
  bytes: number
  /** Blobs whose bytes are not what their digest says; they lie in `quarantine` now. */
  bad: Digest[]
  /** Blobs without a file. */
  missing: Digest[]
  /** Files that no row stands for; they were removed. */
  orphans: number
}

/** Reading everything again, to find what the disk has lost. */
export interface Scrub {
  /** Goes on with a pass, or begins one, at most `rate` bytes per second. Calls during a pass share it. */
  run(options?: { rate?: number }): Promise<ScrubRun>
  last(): ScrubRun | undefined
  /** Blobs that are damaged or missing at this moment: a push of the same content heals them. */
  damaged(): Digest[]
  /** Stops the pass under way after the blob it reads. */
  close(): Promise<void>
}

const PAGE = 100
const CHUNK = 1024 * 1024
/** Files younger than this may be on their way to their rows; milliseconds. */
const YOUNG = 3_600_000

export function createScrub(storage: FolderStorage): Scrub {
  const once = new OnceAtATime<'run', ScrubRun>()
  const stop = new AbortController()
  let running: Promise<unknown> = Promise.resolve()
  return {
    run({ rate = 0 } = {}) {
      const run = once.get('run', () => scrub(storage, rate, stop.signal))
      running = run.catch(() => {})
      return run
    },
    last: () => readState<ScrubRun>(storage.database, 'scrub'),
    damaged: () =>
      storage.database
        .all<{ digest: Digest }>("SELECT digest FROM blobs WHERE state = 'bad' ORDER BY digest LIMIT 1000")
        .map(({ digest }) => digest),
    async close() {
      stop.abort()
      await running
    },
  }
}

async function scrub(storage: FolderStorage, rate: number, stop: AbortSignal): Promise<ScrubRun> {
  const { database: db } = storage
  const earlier = readState<ScrubRun>(db, 'scrub')
  const run: ScrubRun =
    earlier && earlier.finishedAt === undefined
      ? earlier
      : { startedAt: Date.now(), checked: 0, bytes: 0, bad: [], missing: [], orphans: 0 }
  for (;;) {
    const page = db.all<{ digest: Digest; size: number }>(
      "SELECT digest, size FROM blobs WHERE digest > ? AND state = 'ok' ORDER BY digest LIMIT ?",
      ...[run.last ?? '', PAGE],
    )
    for (const blob of page) {
      if (stop.aborted) return run
      await checkBlob(storage, blob, run)
      if (rate > 0) await sleep((blob.size / rate) * 1000, undefined, { signal: stop, ref: false }).catch(() => {})
    }
    if (page.length > 0) writeState(db, 'scrub', run)
    if (page.length < PAGE) break
  }
  suspectUnneeded(storage)
  run.orphans += await removeOrphans(storage)
  delete run.last
  run.finishedAt = Date.now()
  writeState(db, 'scrub', run)
  return run
}

async function checkBlob(storage: FolderStorage, blob: { digest: Digest; size: number }, run: ScrubRun): Promise<void> {
  const file = storage.layout.blob(blob.digest)
  run.last = blob.digest
  try {
    await using handle = await open(file, 'r')
    const { ino } = await handle.stat()
    const found = await hashFile(handle, blob.digest)
    run.checked++
    run.bytes += found.size
    if (found.digest === blob.digest) return
    // the same file still: nobody has pushed the content again meanwhile
    if (statSync(file, { throwIfNoEntry: false })?.ino === ino) quarantine(storage, blob.digest)
    run.bad.push(blob.digest)
  } catch (error) {
    if (errnoOf(error) !== 'ENOENT') throw error
    if (markBad(storage, blob.digest)) run.missing.push(blob.digest)
  }
}

async function hashFile(handle: FileHandle, digest: Digest): Promise<{ digest: Digest; size: number }> {
  const algorithm = digestAlgorithm(digest)
  const hash = createHash(algorithm)
  const buffer = Buffer.allocUnsafe(CHUNK)
  let size = 0
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, CHUNK, size)
    if (bytesRead === 0) return { digest: `${algorithm}:${hash.digest('hex')}`, size }
    hash.update(buffer.subarray(0, bytesRead))
    size += bytesRead
  }
}

/** The row first: when the machine stops in between, the next pass finds a file that no good row stands for. */
function quarantine(storage: FolderStorage, digest: Digest): void {
  markBad(storage, digest)
  const folder = path.join(storage.layout.root, 'quarantine')
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  renameSync(storage.layout.blob(digest), path.join(folder, `${digestAlgorithm(digest)}-${digestHex(digest)}`))
}

/** To requests, a bad blob is not there: so clients send it again, and then it is. */
function markBad({ database: db }: FolderStorage, digest: Digest): boolean {
  return db.run("UPDATE blobs SET state = 'bad' WHERE digest = ? AND state = 'ok'", digest) > 0
}

/** What nothing needs and nobody put into the queue of collection: after changes of the settings. */
function suspectUnneeded({ database: db }: FolderStorage): void {
  const now = Date.now()
  db.run(
    `INSERT OR IGNORE INTO gc_queue SELECT 'blob', l.repo, l.digest, ? FROM repo_blobs l
     WHERE NOT EXISTS (SELECT 1 FROM manifest_refs f WHERE f.repo = l.repo AND f.child = l.digest)`,
    now,
  )
  db.run(
    `INSERT OR IGNORE INTO gc_queue SELECT 'blob', 0, b.digest, ? FROM blobs b
     WHERE NOT EXISTS (SELECT 1 FROM repo_blobs l WHERE l.digest = b.digest)`,
    now,
  )
}

async function removeOrphans({ database: db, layout }: FolderStorage): Promise<number> {
  let orphans = 0
  for (const algorithm of DIGEST_ALGORITHMS) {
    for (const folder of namesIn(path.join(layout.blobs, algorithm))) {
      for (const name of namesIn(path.join(layout.blobs, algorithm, folder))) {
        const digest = `${algorithm}:${name}`
        if (!isDigest(digest) || db.get('SELECT 1 FROM blobs WHERE digest = ?', digest)) continue
        const changed = statSync(layout.blob(digest), { throwIfNoEntry: false })?.ctimeMs
        if (changed === undefined || Date.now() - changed < YOUNG) continue
        rmSync(layout.blob(digest), { force: true })
        orphans++
      }
      await yieldToEvents()
    }
  }
  return orphans
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return []
    throw error
  }
}
