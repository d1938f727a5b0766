import { type ByteString, checkCanceled, createPacer, type Job } from '../core/index.ts'
import type { Entry } from './entry.ts'
import type { FileTree } from './file-tree.ts'
import type { Extent } from './tree/node.ts'

/** What can differ between two entries of one name. */
export type Difference = 'kind' | 'content' | 'size' | 'mode' | 'owner' | 'time' | 'link' | 'device' | 'xattrs'

/** A name whose entry is not the same in two trees. */
export interface Change {
  path: ByteString
  kind: 'added' | 'removed' | 'changed'
  before?: Entry
  after?: Entry
  /** Empty unless `changed`. */
  differences: readonly Difference[]
  /** The first byte of a file that is not the same. */
  contentOffset?: number
}

/** What counts as a difference. */
export interface CompareOptions {
  /** Modification times do not. */
  ignoreTimes?: boolean
  /** Of a directory that is gone, what was in it as well. */
  insideRemoved?: boolean
}

/**
 * What is different between two trees, in the order of a walk: a directory before its entries, names by their bytes.
 * Content is read only where two files do not lie at the same place of the same layer. Of a directory that is gone,
 * only the directory is told unless `insideRemoved`.
 */
export async function* compareTrees(
  before: FileTree,
  after: FileTree,
  options: CompareOptions,
  job: Job,
): AsyncGenerator<Change, void, void> {
  const pace = createPacer()
  const olds = new Walker(before)
  const news = new Walker(after)
  while (olds.entry || news.entry) {
    const order = orderOf(olds.entry, news.entry)
    if (order < 0) {
      yield { path: olds.entry!.path, kind: 'removed', before: olds.entry!, differences: [] }
      olds.next(options.insideRemoved ? undefined : olds.entry)
    } else if (order > 0) {
      yield { path: news.entry!.path, kind: 'added', after: news.entry!, differences: [] }
      news.next()
    } else {
      const change = await compareEntries({ tree: before, entry: olds.entry! }, { tree: after, entry: news.entry! })
      const counted = change?.differences.filter((difference) => !(options.ignoreTimes && difference === 'time')) ?? []
      if (counted.length > 0) yield { ...change!, differences: counted }
      olds.next()
      news.next()
    }
    const pause = pace()
    if (pause) await pause
    checkCanceled(job)
  }
}

/** A walk that can leave out what lies below a directory. */
class Walker {
  readonly #walk: Generator<Entry, void, void>
  entry: Entry | undefined

  constructor(tree: FileTree) {
    this.#walk = tree.walk()
    this.next()
  }

  /** Goes on, past everything below `skipped`. */
  next(skipped?: Entry): void {
    const below = skipped?.kind === 'directory' ? `${skipped.path}/` : undefined
    do this.entry = this.#walk.next().value ?? undefined
    while (below !== undefined && this.entry?.path.startsWith(below))
  }
}

/** The order of a walk: by components, so that `a/b` comes before `a.b`. */
function orderOf(old: Entry | undefined, current: Entry | undefined): number {
  if (!old) return 1
  if (!current) return -1
  const [a, b] = [old.path.replaceAll('/', '\0'), current.path.replaceAll('/', '\0')]
  return a < b ? -1 : a > b ? 1 : 0
}

interface Place {
  tree: FileTree
  entry: Entry
}

async function compareEntries(before: Place, after: Place): Promise<Change | undefined> {
  const [old, current] = [before.entry, after.entry]
  const about = { path: current.path, kind: 'changed', before: old, after: current } as const
  if (old.kind !== current.kind) return { ...about, differences: ['kind'] }
  const differences = attributeDifferences(old, current)
  const contentOffset = old.kind === 'file' ? await firstDifference(before, after) : undefined
  if (old.size !== current.size) differences.unshift('size')
  if (contentOffset !== undefined) differences.unshift('content')
  if (differences.length === 0) return undefined
  return { ...about, differences, ...(contentOffset === undefined ? {} : { contentOffset }) }
}

function attributeDifferences(old: Entry, current: Entry): Difference[] {
  const found: Difference[] = []
  if (old.mode !== current.mode) found.push('mode')
  if (old.uid !== current.uid || old.gid !== current.gid) found.push('owner')
  if (old.link !== current.link) found.push('link')
  const [device, other] = [old.device, current.device]
  if (device?.major !== other?.major || device?.minor !== other?.minor) found.push('device')
  if (!sameXattrs(old.xattrs, current.xattrs)) found.push('xattrs')
  const [time, now] = [old.mtime, current.mtime]
  if (time.seconds !== now.seconds || time.nanoseconds !== now.nanoseconds) found.push('time')
  return found
}

function sameXattrs(old: Entry['xattrs'], current: Entry['xattrs']): boolean {
  if ((old?.size ?? 0) !== (current?.size ?? 0)) return false
  for (const [name, value] of old ?? []) {
    const other = current?.get(name)
    if (!other || Buffer.compare(value, other) !== 0) return false
  }
  return true
}

async function firstDifference(before: Place, after: Place): Promise<number | undefined> {
  const [olds, news] = [before.tree.extents(before.entry.path), after.tree.extents(after.entry.path)]
  if (before.entry.size === after.entry.size && sameExtents(olds, news)) return undefined
  const other = after.tree.read(after.entry.path)[Symbol.asyncIterator]()
  let at = 0
  for await (const chunk of before.tree.read(before.entry.path)) {
    // both come in pieces of one size, the last one apart
    const { value, done } = await other.next()
    const theirs: Uint8Array = done ? new Uint8Array() : value
    const shared = Math.min(chunk.length, theirs.length)
    if (Buffer.compare(chunk.subarray(0, shared), theirs.subarray(0, shared)) !== 0) {
      let index = 0
      while (chunk[index] === theirs[index]) index++
      await other.return?.()
      return at + index
    }
    at += shared
    if (chunk.length !== theirs.length) {
      await other.return?.()
      return at
    }
  }
  return (await other.next()).done ? undefined : at
}

function sameExtents(olds: readonly Extent[], news: readonly Extent[]): boolean {
  return (
    olds.length === news.length &&
    olds.every((old, at) => {
      const other = news[at]!
      const { start, length, offset, source } = old
      const isSame = start === other.start && length === other.length && offset === other.offset
      return isSame && source.path === other.source.path
    })
  )
}
