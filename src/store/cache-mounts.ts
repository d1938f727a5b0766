import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { digestHex, digestOf, type Job } from '../core/index.ts'
import { type FileLock, lock, removeTree, tryLock } from '../host/index.ts'
import type { Database } from './database.ts'
import { diskUsage } from './disk-usage.ts'
import type { StoreLayout } from './layout.ts'
import { Lease } from './leases.ts'

/** What makes a cache mount another one, as in BuildKit: not only its id, but what a new one begins with. */
export interface CacheIdentity {
  /** Of the build argument BUILDKIT_CACHE_MOUNT_NS; empty for none. */
  namespace: string
  /** As it stands in the Dockerfile, or the cleaned target. */
  id: string
  /** Digest of what its initial content is copied from, null when it begins empty. */
  origin: string | null
  /** Of the folder, when they were given. */
  mode: number | null
  uid: number | null
  gid: number | null
}

/** A cache mount as the store knows it. */
export interface CacheMountRecord extends CacheIdentity {
  /** 64 hex digits: what commands show as the id of the object. */
  key: string
  /** 0, or the number of a further one that `sharing=private` needed while the others were in use. */
  instance: number
  /** Unix milliseconds. */
  createdAt: number
  usedAt: number
  uses: number
}

/** Who may use a cache at the same time: everybody, nobody else, or nobody else but without waiting. */
export type CacheSharing = 'shared' | 'locked' | 'private'

/** A cache that is in use. Releasing lets others have it; a process that is killed releases what it has. */
export interface CacheUse {
  record: CacheMountRecord
  /** Its files. */
  folder: string
  release(): void
}

/** Makes the content of a new cache in a folder that is there and empty. */
type Fill = (folder: string) => Promise<void>

interface Opening {
  identity: CacheIdentity
  instance: number
  held: FileLock
  fill: Fill
}

/** Folders that RUN steps keep between builds. Their locks hold across processes. */
export class CacheMountStore {
  readonly #db: Database
  readonly #layout: StoreLayout

  constructor(db: Database, layout: StoreLayout) {
    this.#db = db
    this.#layout = layout
  }

  /** All caches, by id, namespace and instance. */
  list(): CacheMountRecord[] {
    const order = (a: CacheMountRecord, b: CacheMountRecord): number =>
      a.id === b.id ? a.namespace.localeCompare(b.namespace) || a.instance - b.instance : a.id < b.id ? -1 : 1
    return this.#db.all<Row>('SELECT * FROM cache_mounts').map(fromRow).sort(order)
  }

  /** Where the files of a cache lie. */
  folder(key: string): string {
    return path.join(this.#layout.cacheMounts, key, 'data')
  }

  /** Bytes and files of a cache. */
  usage(key: string): { bytes: number; inodes: number } {
    return diskUsage(this.folder(key))
  }

  /** Whether somebody, in whatever process, uses the cache. */
  isInUse(key: string): boolean {
    const held = this.#tryLock(key, 'exclusive')
    held?.release()
    return held === undefined
  }

  /** Takes a cache for a step, making it first when it is not there. Waits as its sharing says; the job can stop that. */
  async use(identity: CacheIdentity, sharing: CacheSharing, fill: Fill, job: Job): Promise<CacheUse> {
    if (sharing !== 'private') {
      const held = await this.#lock(identity, sharing, job)
      return this.#open({ identity, instance: 0, held, fill }, job)
    }
    for (let instance = 0; ; instance++) {
      const held = this.#tryLock(keyOf(identity, instance), 'exclusive')
      if (held) return this.#open({ identity, instance, held, fill }, job)
    }
  }

  /** Throws away the content of a cache, so that its next use makes it anew; one that is in use stays as it is. */
  renew(identity: CacheIdentity): void {
    const key = keyOf(identity, 0)
    const held = this.#tryLock(key, 'exclusive')
    if (!held) return
    try {
      this.#discard(key)
    } finally {
      held.release()
    }
  }

  /** Takes a cache that exists, to read or change its files from outside; `undefined` while it is in use. */
  hold(record: CacheMountRecord): CacheUse | undefined {
    const held = this.#tryLock(record.key, 'exclusive')
    return held && { record, folder: this.folder(record.key), release: () => held.release() }
  }

  /** Replaces the whole content of a cache, which must be held, by that of a folder of the same file system. */
  replace(use: CacheUse, content: string): void {
    this.#discard(use.record.key)
    mkdirSync(path.dirname(use.folder), { recursive: true, mode: 0o700 })
    renameSync(content, use.folder)
    this.#touch(use.record.key)
  }

  /** Forgets a cache and its files: the bytes that were freed, or `undefined` when it is in use. */
  remove(key: string): number | undefined {
    const held = this.#tryLock(key, 'exclusive')
    if (!held) return undefined
    try {
      // files first: a row without files is a cache that begins anew
      const bytes = this.#discard(key)
      rmSync(path.dirname(this.folder(key)), { recursive: true, force: true })
      this.#db.run('DELETE FROM cache_mounts WHERE key = ?', key)
      return bytes
    } finally {
      held.release()
    }
  }

  async #open({ identity, instance, held, fill }: Opening, job: Job): Promise<CacheUse> {
    const key = keyOf(identity, instance)
    const folder = this.folder(key)
    try {
      if (!this.#db.get('SELECT 1 FROM cache_mounts WHERE key = ?', key)) this.#insert(key, identity, instance)
      if (!existsSync(folder)) await this.#make(folder, fill, job)
      this.#touch(key)
      const record = fromRow(this.#db.get<Row>('SELECT * FROM cache_mounts WHERE key = ?', key)!)
      return { record, folder, release: () => held.release() }
    } catch (error) {
      held.release()
      throw error
    }
  }

  #insert(key: string, identity: CacheIdentity, instance: number): void {
    const now = Date.now()
    const values = [key, identity.namespace, identity.id, JSON.stringify({ ...identity, instance }), now, now, 0]
    this.#db.run('INSERT OR IGNORE INTO cache_mounts VALUES (?, ?, ?, ?, ?, ?, ?)', ...values)
  }

  #touch(key: string): void {
    this.#db.run('UPDATE cache_mounts SET used_at = ?, uses = uses + 1 WHERE key = ?', Date.now(), key)
  }

  /**
   * Whole or not at all: who is killed while filling leaves an unfinished folder that the next collection takes. One at
   * a time, or of two who share a new cache one would get a folder that the other has just replaced.
   */
  async #make(folder: string, fill: Fill, job: Job): Promise<void> {
    await using _one = await lock(path.join(this.#layout.cacheMounts, 'new.lock'), {}, job)
    if (existsSync(folder)) return
    using lease = new Lease(this.#db, this.#layout)
    const unfinished = path.join(lease.folder, 'cache')
    mkdirSync(unfinished, { mode: 0o755 })
    await fill(unfinished)
    mkdirSync(path.dirname(folder), { recursive: true, mode: 0o700 })
    renameSync(unfinished, folder)
  }

  /** Moves the files out of the way at once, and removes them then. */
  #discard(key: string): number {
    if (!existsSync(this.folder(key))) return 0
    using lease = new Lease(this.#db, this.#layout)
    const doomed = path.join(lease.folder, 'cache')
    renameSync(this.folder(key), doomed)
    return removeTree(doomed)
  }

  #lock(identity: CacheIdentity, sharing: CacheSharing, job: Job): Promise<FileLock> {
    const kind = sharing === 'shared' ? 'shared' : 'exclusive'
    return lock(this.#lockFile(keyOf(identity, 0)), { kind }, job)
  }

  #tryLock(key: string, kind: 'shared' | 'exclusive'): FileLock | undefined {
    return tryLock(this.#lockFile(key), kind)
  }

  /** Lock files stay for good: one that is removed could be held by one process and made anew by another. */
  #lockFile(key: string): string {
    return path.join(this.#layout.cacheMounts, `${key}.lock`)
  }
}

interface Row {
  key: string
  identity: string
  created_at: number
  used_at: number
  uses: number
}

function fromRow({ key, identity, created_at, used_at, uses }: Row): CacheMountRecord {
  const known = JSON.parse(identity) as CacheIdentity & { instance: number }
  return { ...known, key, createdAt: created_at, usedAt: used_at, uses }
}

function keyOf({ namespace, id, origin, mode, uid, gid }: CacheIdentity, instance: number): string {
  return digestHex(digestOf(JSON.stringify([namespace, id, origin, mode, uid, gid, instance])))
}
