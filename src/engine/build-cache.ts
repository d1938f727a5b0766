import { statfsSync } from 'node:fs'
import { keptRepositories, redactUrl, removeKeptRepository } from '../build/index.ts'
import { type Digest, digestHex, digestOf } from '../core/index.ts'
import type { Store } from '../store/index.ts'
import { cacheFilter } from './build-cache-filters.ts'
import type { CacheRecord } from './build-cache-record.ts'
import type { Filters } from './image-filters.ts'

/** A record, and how it is removed. */
interface OwnedRecord extends CacheRecord {
  /** The layers, for records that share some with others. */
  diffIds: readonly Digest[]
  remove(): void
}

/** What a part of the store keeps for builds. A new kind of record is a new entry in `SOURCES`. */
type RecordSource = (store: Store) => OwnedRecord[]

const SOURCES: readonly RecordSource[] = [
  steps,
  cacheMounts,
  repositories,
  memos('file-digests', { type: 'source.local', description: () => 'local source for context' }),
  memos('copied-files', { type: 'internal', description: () => 'names of copied files' }),
  memos('download', { type: 'regular', description: (url) => `http url ${redactUrl(url)}` }),
]

const idOf = (text: string): string =>
  BigInt(`0x${digestHex(digestOf(text))}`)
    .toString(36)
    .padStart(25, '0')
    .slice(-25)

function steps(store: Store): OwnedRecord[] {
  const shared = store.steps.sharedLayers()
  return store.steps.list().map(({ key, label, kind, diffIds, createdAt, usedAt, uses }) => ({
    id: idOf(key),
    type: 'regular',
    description: label || kind,
    bytes: [...new Set(diffIds)].reduce((sum, diffId) => sum + (store.layers.get(diffId)?.size ?? 0), 0),
    shared: diffIds.some((diffId) => shared.has(diffId)),
    mutable: false,
    inUse: false,
    createdAt,
    usedAt,
    uses: uses + 1,
    diffIds,
    remove: () => store.steps.forget(key, 'pruned'),
  }))
}

function cacheMounts(store: Store): OwnedRecord[] {
  return store.cacheMounts.list().map(({ key, id, createdAt, usedAt, uses }) => ({
    id: idOf(key),
    type: 'exec.cachemount',
    description: `cached mount ${id}`,
    bytes: store.cacheMounts.usage(key).bytes,
    shared: false,
    mutable: true,
    inUse: store.cacheMounts.isInUse(key),
    createdAt,
    usedAt,
    uses,
    diffIds: [],
    remove: () => void store.cacheMounts.remove(key),
  }))
}

function repositories({ layout }: Store): OwnedRecord[] {
  return keptRepositories(layout).map(({ key, remote, bytes, createdAt, usedAt, inUse }) => ({
    id: idOf(`git ${key}`),
    type: 'source.git.checkout',
    description: `git repository ${remote}`,
    bytes,
    shared: false,
    mutable: true,
    inUse,
    createdAt,
    usedAt,
    uses: 1,
    diffIds: [],
    remove: () => void removeKeptRepository(layout, key),
  }))
}

function memos(kind: string, about: { type: string; description(key: string): string }): RecordSource {
  return (store) =>
    store.memos.list(kind).map(({ key, bytes, writtenAt }) => ({
      id: idOf(`${kind} ${key}`),
      type: about.type,
      description: about.description(key),
      bytes,
      shared: false,
      mutable: about.type === 'source.local',
      inUse: false,
      createdAt: writtenAt,
      usedAt: writtenAt,
      uses: 1,
      diffIds: [],
      remove: () => store.memos.forget(kind, key),
    }))
}

/** What the build cache takes on disk. */
export interface CacheUsage {
  records: CacheRecord[]
  /** Bytes, each layer counted once: in images too, in the cache alone, and both. */
  shared: number
  private: number
  total: number
}

/** The build cache, the smallest record first. Fails with `FILTER_INVALID`. */
export function cacheUsage(store: Store, filters: Filters = {}): CacheUsage {
  const records = recordsOf(store).filter(cacheFilter(filters))
  const shared = bytesOf(
    store,
    records.filter((record) => record.shared),
  )
  const total = bytesOf(store, records)
  records.sort((a, b) => a.bytes - b.bytes || (a.id < b.id ? -1 : 1))
  return { records: records.map(plain), shared, private: total - shared, total }
}

/** What a pruning of the build cache may take. */
export interface CachePruneRequest {
  /** Also what images have, and what is kept for builds themselves. */
  all?: boolean
  filters?: Filters
  /** Bytes; the records that were not used for the longest time go first, until as much is kept. */
  maxUsedSpace?: number
  reservedSpace?: number
  /** Bytes that are to be free on the disk. */
  minFreeSpace?: number
}

/** Removes records; a build that runs keeps the layers that it has found. Returns them, and the bytes given back. */
export function pruneCache(store: Store, request: CachePruneRequest = {}): { records: CacheRecord[]; bytes: number } {
  const matches = cacheFilter(request.filters ?? {})
  const all = recordsOf(store)
  const candidates = all.filter((record) => !record.inUse && (request.all || !isKept(record)) && matches(record))
  const removed = choose(store, all, candidates, request)
  for (const record of removed) record.remove()
  const { bytes } = store.collect()
  const small = removed.filter((record) => record.diffIds.length === 0).reduce((sum, record) => sum + record.bytes, 0)
  return { records: removed.map(plain), bytes: bytes + small }
}

/** BuildKit leaves these to `--all`. */
const isKept = (record: OwnedRecord): boolean => record.shared || record.type === 'internal'

function choose(
  store: Store,
  all: readonly OwnedRecord[],
  candidates: OwnedRecord[],
  request: CachePruneRequest,
): OwnedRecord[] {
  const total = bytesOf(store, all)
  const keep = bytesToKeep(store, total, request)
  if (keep === 0) return candidates
  const chosen: OwnedRecord[] = []
  let left = total
  for (const record of candidates.sort((a, b) => a.usedAt - b.usedAt)) {
    if (left <= keep) break
    chosen.push(record)
    left -= record.bytes
  }
  return chosen
}

/** As BuildKit reckons (cache/manager.go, `calculateKeepBytes`): 0 means that nothing is kept for its size. */
function bytesToKeep(store: Store, total: number, request: CachePruneRequest): number {
  const { maxUsedSpace = 0, reservedSpace = 0, minFreeSpace = 0 } = request
  if (maxUsedSpace + reservedSpace + minFreeSpace === 0) return 0
  const { bavail, bsize } = statfsSync(store.layout.root)
  const excess = minFreeSpace - bavail * bsize
  const afterExcess = excess <= 0 ? maxUsedSpace : Math.min(maxUsedSpace || total, total - excess)
  return Math.max(afterExcess, reservedSpace, 1)
}

const recordsOf = (store: Store): OwnedRecord[] => SOURCES.flatMap((source) => source(store))

function bytesOf(store: Store, records: readonly OwnedRecord[]): number {
  const layers = new Set(records.flatMap((record) => record.diffIds))
  const ofLayers = [...layers].reduce((sum, diffId) => sum + (store.layers.get(diffId)?.size ?? 0), 0)
  return records.reduce((sum, record) => sum + (record.diffIds.length === 0 ? record.bytes : 0), ofLayers)
}

function plain({ diffIds: _, remove: __, ...record }: OwnedRecord): CacheRecord {
  return record
}
