import { closeSync, constants, lstatSync, readdirSync, readlinkSync, realpathSync } from 'node:fs'
import {
  type ByteString,
  byteStringFromBuffer,
  byteStringToBuffer,
  type Digest,
  errnoOf,
  fail,
  fromByteString,
  type Job,
} from '../../core/index.ts'
import { unpackDevice } from '../../host/index.ts'
import type { Entry, EntryKind } from '../../layer/index.ts'
import type { FileDigests, FileState } from './file-digests.ts'
import { openAt } from './open-at.ts'
import type { FileBody, FileSource } from './source.ts'

/** Which paths of a folder take part, as .dockerignore says. */
export interface PathFilter {
  excludes(path: ByteString): boolean
  /** Whether something below an excluded directory may still take part. */
  mayIncludeBelow(path: ByteString): boolean
}

/** What is needed of a file's stat. The whole, for each of many files, would be a good part of a build's memory. */
interface Stat extends FileState {
  mode: number
  nlink: number
  rdev: bigint
}

const MOST_SYMLINKS = 40
const NO_PATH = '' as ByteString

/**
 * A folder of the user's as something to copy from. Nothing outside of it is ever read: symlinks are followed as if
 * the folder were `/`. Owners and extended attributes stay behind: they say something about the user's machine.
 */
export class FolderSource implements FileSource {
  readonly keepsOwners = false
  readonly where: string
  readonly #root: string
  readonly #filter: PathFilter | undefined
  readonly #digests: FileDigests
  readonly #stats = new Map<ByteString, Stat | null>()

  constructor(root: string, options: { filter?: PathFilter; digests: FileDigests; where: string }) {
    const real = realpathSync(root)
    this.#root = real === '/' ? '' : real
    this.#filter = options.filter
    this.#digests = options.digests
    this.where = options.where
  }

  stat(path: ByteString): Entry | undefined {
    const cut = path.lastIndexOf('/')
    const parent = this.resolve((cut < 0 ? '' : path.slice(0, cut)) as ByteString)
    return this.#entry(join(parent, path.slice(cut + 1)))
  }

  resolve(path: ByteString): ByteString {
    const todo = path.split('/').filter((part) => part !== '' && part !== '.')
    let at = NO_PATH
    let followed = 0
    for (let part = todo.shift(); part !== undefined; part = todo.shift()) {
      if (part === '..') {
        at = parentOf(at)
        continue
      }
      const next = join(at, part)
      if (typeOf(this.#lstat(next)) !== constants.S_IFLNK) {
        at = next
        continue
      }
      if (++followed > MOST_SYMLINKS) {
        throw fail('SYMLINK_LOOP', `too many levels of symbolic links: ${fromByteString(path)}`)
      }
      const link = this.#readlink(next)
      if (link.startsWith('/')) at = NO_PATH
      todo.unshift(...link.split('/').filter((step) => step !== '' && step !== '.'))
    }
    return at
  }

  list(path: ByteString): readonly Entry[] {
    const names = this.#names(path)
    const paths = names.map((name) => join(path, byteStringFromBuffer(name))).sort(byteOrder)
    return paths.flatMap((child) => this.#entry(child) ?? [])
  }

  body(entry: Entry): FileBody {
    return { hostPath: this.#hostPath(entry.path), exact: true }
  }

  digest(entry: Entry, job: Job): Digest | Promise<Digest> {
    const stat = this.#lstat(entry.path)
    if (!stat) throw fail('CONTEXT_CHANGED', `${fromByteString(entry.path)} went away during the build`)
    return this.#digests.get(entry.path, this.#hostPath(entry.path), stat, job)
  }

  /** What is in a folder: in the one at this path, whatever links somebody puts on the way there meanwhile. */
  #names(path: ByteString): Buffer[] {
    const fd = openAt(this.#hostPath(path), path, constants.O_DIRECTORY)
    try {
      return readdirSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }) as unknown as Buffer[]
    } finally {
      closeSync(fd)
    }
  }

  #entry(path: ByteString): Entry | undefined {
    const stat = this.#lstat(path)
    const kind = stat && kindOf(stat)
    if (!stat || !kind || this.#isExcluded(path, kind)) return undefined
    const entry: Entry = {
      path,
      kind,
      mode: stat.mode & 0o7777,
      uid: 0,
      gid: 0,
      // whole seconds: sub-second times of a checkout are noise, and would cost a header for each file
      mtime: { seconds: wholeSeconds(stat.mtimeNs), nanoseconds: 0 },
      size: kind === 'file' ? Number(stat.size) : 0,
      inode: Number(stat.ino),
      nlink: stat.nlink,
    }
    if (kind === 'symlink') entry.link = this.#readlink(path)
    if (kind === 'char' || kind === 'block') entry.device = unpackDevice(stat.rdev)
    return entry
  }

  /** A directory that is excluded itself is there when something below it takes part. */
  #isExcluded(path: ByteString, kind: EntryKind): boolean {
    const filter = this.#filter
    if (!filter || path === '' || !filter.excludes(path)) return false
    if (kind !== 'directory' || !filter.mayIncludeBelow(path)) return true
    return this.list(path).length === 0
  }

  #lstat(path: ByteString): Stat | undefined {
    const known = this.#stats.get(path)
    if (known !== undefined) return known ?? undefined
    const stat = lstatOrNull(this.#hostPath(path))
    this.#stats.set(path, stat)
    return stat ?? undefined
  }

  #readlink(path: ByteString): ByteString {
    try {
      return byteStringFromBuffer(readlinkSync(this.#hostPath(path), { encoding: 'buffer' }) as unknown as Buffer)
    } catch (cause) {
      throw fail('CONTEXT_CHANGED', `${fromByteString(path)} is no symbolic link any more`, { cause })
    }
  }

  #hostPath(path: ByteString): string | Buffer {
    if (path === '') return this.#root || '/'
    for (let i = 0; i < path.length; i++) {
      if (path.charCodeAt(i) > 0x7f) return Buffer.concat([Buffer.from(`${this.#root}/`), byteStringToBuffer(path)])
    }
    return `${this.#root}/${path}`
  }
}

function lstatOrNull(file: string | Buffer): Stat | null {
  try {
    const stat = lstatSync(file, { bigint: true, throwIfNoEntry: false })
    if (!stat) return null
    const { size, mtimeNs, ctimeNs, ino, rdev } = stat
    return { mode: Number(stat.mode), nlink: Number(stat.nlink), size, mtimeNs, ctimeNs, ino, rdev }
  } catch (error) {
    if (['ENOTDIR', 'ENAMETOOLONG', 'EINVAL'].includes(errnoOf(error) ?? '')) return null
    throw error
  }
}

const typeOf = (stat: Stat | undefined): number | undefined => stat && stat.mode & constants.S_IFMT

/** Sockets have no place in an image, as in Docker. */
function kindOf(stat: Stat): EntryKind | undefined {
  const kinds: Record<number, EntryKind> = {
    [constants.S_IFREG]: 'file',
    [constants.S_IFDIR]: 'directory',
    [constants.S_IFLNK]: 'symlink',
    [constants.S_IFCHR]: 'char',
    [constants.S_IFBLK]: 'block',
    [constants.S_IFIFO]: 'fifo',
  }
  return kinds[typeOf(stat)!]
}

/** Rounded down, also before 1970. */
function wholeSeconds(nanoseconds: bigint): number {
  return Number((nanoseconds - (((nanoseconds % SECOND) + SECOND) % SECOND)) / SECOND)
}

const SECOND = 1_000_000_000n
const byteOrder = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

function join(folder: ByteString, name: string): ByteString {
  return (folder === '' ? name : `${folder}/${name}`) as ByteString
}

function parentOf(path: ByteString): ByteString {
  const cut = path.lastIndexOf('/')
  return (cut < 0 ? '' : path.slice(0, cut)) as ByteString
}
