import { fail } from '../core/index.ts'
import type { CacheMountRecord, Store } from '../store/index.ts'
import { type Filters, parseMoment, parseTruth } from './image-filters.ts'

/** A cache mount as `cachemount ls` shows it. */
export interface CacheMountSummary extends CacheMountRecord {
  bytes: number
  files: number
  inUse: boolean
}

/** What a removal or pruning of cache mounts did. */
export interface CacheMountsRemoved {
  removed: CacheMountRecord[]
  bytes: number
}

const KNOWN = ['id', 'inuse', 'namespace', 'until']

/** All cache mounts that match. Fails with `FILTER_INVALID`. */
export function listCacheMounts(store: Store, filters: Filters = {}): CacheMountSummary[] {
  const matches = cacheMountFilter(filters)
  return store.cacheMounts
    .list()
    .map((record) => summaryOf(store, record))
    .filter(matches)
}

function summaryOf(store: Store, record: CacheMountRecord): CacheMountSummary {
  const { bytes, inodes } = store.cacheMounts.usage(record.key)
  return { ...record, bytes, files: inodes, inUse: store.cacheMounts.isInUse(record.key) }
}

/**
 * The cache mounts that a user means: all with this id, else those of `NAMESPACE/ID`, else the one whose key begins
 * so. Fails with `CACHE_MOUNT_NOT_FOUND`.
 */
export function findCacheMounts(store: Store, name: string): CacheMountRecord[] {
  const all = store.cacheMounts.list()
  const tests: ((record: CacheMountRecord) => boolean)[] = [
    ({ id }) => id === name,
    ({ namespace, id }) => `${namespace}/${id}` === name,
    ({ key }) => /^[0-9a-f]{4,64}$/.test(name) && key.startsWith(name),
  ]
  for (const test of tests) {
    const found = all.filter(test)
    if (found.length > 0) return found
  }
  throw fail('CACHE_MOUNT_NOT_FOUND', `No such cache mount: ${name}`, { hint: 'slipway cachemount ls shows all' })
}

/** The one cache mount that a user means. Fails with `CACHE_MOUNT_AMBIGUOUS` when several have this id. */
export function findCacheMount(store: Store, name: string): CacheMountRecord {
  const found = findCacheMounts(store, name)
  if (found.length === 1) return found[0]!
  const keys = found.map(({ key }) => key.slice(0, 12)).join(', ')
  throw fail('CACHE_MOUNT_AMBIGUOUS', `several cache mounts have the id ${name}`, {
    hint: `name one by its key: ${keys}`,
  })
}

/** Everything that is known of the cache mounts that a user means. */
export function inspectCacheMounts(store: Store, name: string): CacheMountSummary[] {
  return findCacheMounts(store, name).map((record) => summaryOf(store, record))
}

/** Removes the cache mounts that a user means. Fails with `CACHE_MOUNT_IN_USE` when a build uses one; then none is removed. */
export function removeCacheMounts(store: Store, name: string): CacheMountsRemoved {
  const found = findCacheMounts(store, name)
  const busy = found.find(({ key }) => store.cacheMounts.isInUse(key))
  if (busy) throw cacheMountInUse(name)
  return removeAll(store, found)
}

/** Removes all cache mounts that match and that no build uses. */
export function pruneCacheMounts(store: Store, filters: Filters = {}): CacheMountsRemoved {
  return removeAll(store, listCacheMounts(store, filters))
}

/** The error for a cache mount that a build uses. */
export function cacheMountInUse(name: string): Error {
  return fail('CACHE_MOUNT_IN_USE', `cache mount ${name} is in use by a build`, {
    hint: 'wait until the build has ended, or stop it',
  })
}

function removeAll(store: Store, records: readonly CacheMountRecord[]): CacheMountsRemoved {
  const removed: CacheMountRecord[] = []
  let bytes = 0
  for (const record of records) {
    const freed = store.cacheMounts.remove(record.key)
    if (freed === undefined) continue
    removed.push(record)
    bytes += freed
  }
  return { removed, bytes }
}

function cacheMountFilter(filters: Filters): (cache: CacheMountSummary) => boolean {
  const unknown = Object.keys(filters).find((name) => !KNOWN.includes(name))
  if (unknown !== undefined) throw fail('FILTER_INVALID', `invalid filter '${unknown}'`)
  const { id, inuse, namespace, until } = filters
  const limit = until && Math.min(...until.map((value) => parseMoment(value)))
  const wanted = inuse?.map((value) => parseTruth('inuse', value)).at(-1)
  return (cache) =>
    (!id || id.includes(cache.id)) &&
    (!namespace || namespace.includes(cache.namespace)) &&
    (limit === undefined || cache.usedAt < limit) &&
    (wanted === undefined || cache.inUse === wanted)
}
