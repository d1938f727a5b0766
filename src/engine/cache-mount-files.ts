import { closeSync, constants, createReadStream, existsSync, fstatSync, mkdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { type Bytes, errnoOf, fail, type Job, toByteString } from '../core/index.ts'
import { type CopyTreeOptions, copyTree, openInRoot } from '../host/index.ts'
import { createLayerWriter, diffUpper, importLayer, openFileTree, openLayer, unpackLayer } from '../layer/index.ts'
import type { CacheMountRecord, CacheUse, Store } from '../store/index.ts'
import { cacheMountInUse, findCacheMount } from './cache-mounts.ts'

/** What to copy between this machine and a cache mount. */
export interface CacheMountCopy {
  /** The cache: its id, or the beginning of its key. */
  name: string
  /** A path in the cache, as if the cache were `/`. */
  inside: string
  /** A path of this machine. */
  outside: string
  direction: 'in' | 'out'
  /** Keep owners; else what comes in belongs to root, and what comes out to the caller. */
  archive?: boolean
  /** Copy what a symlink that is named leads to. */
  followLink?: boolean
}

/**
 * Copies as `cp` does: into a folder that is there, else under the name that is given; a source that ends with `/.`
 * stands for its contents. Symlinks in the cache, which anything that ran in a build can have made, never lead out of it.
 */
export function copyCacheMount(store: Store, request: CacheMountCopy): void {
  const { archive = false } = request
  using held = holdCache(store, request.name)
  const caller = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 }
  const owner: CopyTreeOptions['owner'] = archive ? 'keep' : request.direction === 'in' ? { uid: 0, gid: 0 } : caller
  const [from, to] = [insideEnd(held.use.folder, request), outsideEnd(request)]
  const [source, target] = request.direction === 'out' ? [from, to] : [to, from]
  using opened = source.source()
  using place = target.target({ name: source.name, isFolder: opened.isFolder, contents: opened.contents })
  copyTree(opened.path, place.path, { owner, follow: opened.follow })
}

/** One end of a copy. Paths stay valid until they are disposed. */
interface End {
  /** What the source is called. */
  name: string
  source(): Disposable & { path: string; follow: boolean; isFolder: boolean; contents: boolean }
  target(source: { name: string; isFolder: boolean; contents: boolean }): Disposable & { path: string }
}

const O_PATH = 0o10000000
const isContents = (text: string): boolean => /(^|\/)\.$/.test(text)
const mustBeFolder = (text: string): boolean => text.endsWith('/') || isContents(text)

function insideEnd(root: string, { inside, followLink = false }: CacheMountCopy): End {
  const clean = path.posix.normalize(`/${inside}`).replace(/(.)\/$/, '$1')
  const name = path.posix.basename(clean)
  const open = (place: string, flags = 0): number => openPlace(root, place, flags, inside)
  const whole = (fd: number): Disposable & { path: string } => ({
    path: fdPath(fd),
    [Symbol.dispose]: () => closeSync(fd),
  })
  const named = (): Disposable & { path: string } => {
    const parent = whole(open(path.posix.dirname(clean), constants.O_DIRECTORY))
    return { ...parent, path: `${parent.path}/${name}` }
  }
  return {
    name,
    source() {
      const contents = isContents(inside)
      const follow = clean === '/' || followLink || mustBeFolder(inside)
      const fd = open(clean, !follow ? constants.O_NOFOLLOW : mustBeFolder(inside) ? constants.O_DIRECTORY : 0)
      const isFolder = fstatSync(fd).isDirectory()
      // what is followed is opened itself: from then on nothing about the way to it counts
      if (follow) return { ...whole(fd), follow, isFolder, contents }
      closeSync(fd)
      return { ...named(), follow, isFolder, contents }
    },
    target({ name: given, isFolder, contents }) {
      const there = tryOpen(() => open(clean, constants.O_DIRECTORY))
      // `/.` because the descriptor's own path is a symlink
      if (there !== undefined) return { ...whole(there), path: `${fdPath(there)}/${contents ? '.' : given}` }
      checkNewName(inside, isFolder)
      return named()
    },
  }
}

function outsideEnd({ outside, followLink = false }: CacheMountCopy): End {
  const file = path.resolve(outside)
  const nothing = { [Symbol.dispose]: () => {} }
  return {
    name: path.basename(file),
    source() {
      const stat = statSync(file, { throwIfNoEntry: false })
      if (!stat) throw missing(outside)
      if (mustBeFolder(outside) && !stat.isDirectory()) throw fail('CACHE_MOUNT_COPY', `${outside}: not a directory`)
      const follow = followLink || mustBeFolder(outside)
      return { ...nothing, path: file, follow, isFolder: stat.isDirectory(), contents: isContents(outside) }
    },
    target({ name, isFolder, contents }) {
      const stat = statSync(file, { throwIfNoEntry: false })
      if (stat?.isDirectory()) return { ...nothing, path: contents ? file : path.join(file, name) }
      checkNewName(outside, isFolder)
      if (!existsSync(path.dirname(file))) throw missing(path.dirname(outside))
      return { ...nothing, path: file }
    },
  }
}

const fdPath = (fd: number): string => `/proc/self/fd/${fd}`

function openPlace(root: string, place: string, flags: number, shown: string): number {
  try {
    return openInRoot(root, toByteString(place.slice(1)), O_PATH | flags)
  } catch (error) {
    if (errnoOf(error) === 'ENOTDIR') throw fail('CACHE_MOUNT_COPY', `${shown}: not a directory`, { cause: error })
    if (errnoOf(error) === 'ENOENT') throw missing(shown)
    if (errnoOf(error) === 'ELOOP') throw fail('CACHE_MOUNT_COPY', `${shown}: too many levels of symbolic links`)
    throw error
  }
}

function tryOpen(open: () => number): number | undefined {
  try {
    return open()
  } catch {
    return undefined
  }
}

function checkNewName(text: string, isFolder: boolean): void {
  if (mustBeFolder(text) && !isFolder) throw fail('CACHE_MOUNT_COPY', `no such directory: ${text}`)
}

function missing(file: string): Error {
  return fail('CACHE_MOUNT_COPY', `${file}: no such file or directory`)
}

/** Nobody else uses the cache until it is disposed. */
function holdCache(store: Store, name: string): Disposable & { use: CacheUse } {
  const use = store.cacheMounts.hold(findCacheMount(store, name))
  if (!use) throw cacheMountInUse(name)
  return { use, [Symbol.dispose]: () => use.release() }
}

/** The content of a cache mount as a tar archive. */
export async function* exportCacheMount(store: Store, name: string, job: Job): Bytes {
  using lease = store.lease()
  const files = store.layers.temporary(lease)
  {
    using held = holdCache(store, name)
    using writer = createLayerWriter(files, {}, job)
    await diffUpper(held.use.folder, writer, { lower: openFileTree([]) }, job)
    writer.finish()
  }
  yield* createReadStream(files.tar, { highWaterMark: 1 << 20 })
}

/** Makes a cache mount of an archive, or replaces the content of one that is there. The archive may be compressed. */
export async function importCacheMount(
  store: Store,
  request: { name: string; source: Bytes },
  job: Job,
): Promise<CacheMountRecord> {
  const { name, source } = request
  using lease = store.lease()
  const files = store.layers.temporary(lease)
  await importLayer(source, files, {}, job)
  const content = path.join(lease.folder, 'content')
  mkdirSync(content, { mode: 0o755 })
  await unpackLayer(
    openLayer(files.index, () => files.tar),
    content,
    { whiteouts: 'none' },
    job,
  )
  const use = await openForImport(store, name, job)
  try {
    store.cacheMounts.replace(use, content)
    return use.record
  } finally {
    use.release()
  }
}

async function openForImport(store: Store, name: string, job: Job): Promise<CacheUse> {
  const identity = { namespace: '', id: name, origin: null, mode: null, uid: null, gid: null }
  const isThere = store.cacheMounts.list().some(({ id, key }) => id === name || key.startsWith(name))
  if (!isThere) return store.cacheMounts.use(identity, 'locked', async () => {}, job)
  const use = store.cacheMounts.hold(findCacheMount(store, name))
  if (!use) throw cacheMountInUse(name)
  return use
}
