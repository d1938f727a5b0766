import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  symlinkSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import {
  type ByteString,
  byteStringToBuffer,
  checkCanceled,
  createPacer,
  errnoOf,
  fail,
  type Job,
  messageOf,
  SlipwayError,
  toByteString,
} from '../../core/index.ts'
import { makeNode, openInRoot, removeTree, setTimes, setXattr } from '../../host/index.ts'
import type { Entry, Listing, Timestamp } from '../../layer/index.ts'
import type { ExportedTree } from './tree-entries.ts'

/** How a folder on this machine is filled. */
export interface FolderExport {
  /** Its path; it is made when it is missing. */
  folder: string
  /** `delete`: what it holds beside the exported files is removed. */
  mode: 'copy' | 'delete'
}

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
/** Files of up to so many bytes are read at once: most are. */
const SMALL = 256 << 10
const AT_START: Timestamp = { seconds: 0, nanoseconds: 0 }
const ROOT = '' as ByteString

/**
 * Writes file systems into a folder of this machine, over what is there; files belong to the caller, with modes, times,
 * hard links, symlinks and FIFOs as in the image. Nothing outside of the folder is touched, whatever names and symlinks the
 * image and the folder hold: folders are opened below it by the kernel (`openInRoot`), and the last name of a path is
 * never followed. Devices need root; without it they are left out with a warning. Fails with `EXPORT_FAILED`.
 */
export async function writeFolder(trees: readonly ExportedTree[], target: FolderExport, job: Job): Promise<void> {
  prepare(target.folder)
  const pace = createPacer()
  const folders: { path: ByteString; mode: number; mtime: Timestamp }[] = []
  using writer = new FolderWriter(target.folder, job)
  if (target.mode === 'delete') writer.keepOnly(ROOT, topNames(trees))
  for (const { prefix, tree, attached, epoch } of trees) {
    const top = toByteString(prefix)
    const fixed = epoch === undefined ? undefined : { seconds: epoch, nanoseconds: 0 }
    if (prefix !== '') {
      writer.makeFolder(top)
      folders.push({ path: top, mode: 0o755, mtime: fixed ?? AT_START })
      if (target.mode === 'delete') writer.keepOnly(top, namesIn(tree, ROOT, attached))
    }
    writer.begin()
    for (const entry of tree.walk()) {
      checkCanceled(job)
      await pace()
      const path = join(top, entry.path)
      if (entry.kind === 'directory') {
        writer.makeFolder(path)
        folders.push({ path, mode: entry.mode, mtime: fixed ?? entry.mtime })
        if (target.mode === 'delete') writer.keepOnly(path, namesIn(tree, entry.path, []))
      } else await writer.makeFile(path, { ...entry, mtime: fixed ?? entry.mtime }, tree)
    }
    for (const { name, bytes } of attached) writer.makeAttached(join(top, toByteString(name)), bytes, fixed ?? AT_START)
  }
  // a folder's time changes with every name in it, and its mode may forbid to write into it
  for (const folder of folders.reverse()) writer.finishFolder(folder)
}

function prepare(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw failed(folder, error)
  }
}

const join = (folder: ByteString, path: ByteString): ByteString =>
  (folder === '' ? path : `${folder}/${path}`) as ByteString

function topNames(trees: readonly ExportedTree[]): Set<string> {
  return new Set(
    trees.flatMap(({ prefix, tree, attached }) =>
      prefix === '' ? [...namesIn(tree, ROOT, attached)] : [toByteString(prefix)],
    ),
  )
}

function namesIn(tree: Listing, folder: ByteString, attached: ExportedTree['attached']): Set<string> {
  const names = tree.list(folder).map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
  return new Set([...names, ...attached.map(({ name }) => toByteString(name))])
}

/** Works in one folder after another: the one that was used last is kept open. */
class FolderWriter implements Disposable {
  readonly #root: string
  readonly #job: Job
  readonly #links: Map<number, ByteString> = new Map()
  /** Something that no image holds. */
  readonly #unfinished = `.slipway-${randomBytes(8).toString('hex')}`
  #open: { path: ByteString; fd: number } | undefined

  constructor(root: string, job: Job) {
    this.#root = root
    this.#job = job
  }

  /** Another tree: its inodes are not those of the one before. */
  begin(): void {
    this.#links.clear()
  }

  makeFolder(path: ByteString): void {
    this.#at(path, (host) => {
      const old = lstatSync(host, { throwIfNoEntry: false })
      if (old?.isDirectory()) return makeUsable(host, old)
      if (old) unlinkSync(host)
      mkdirSync(host, 0o700)
    })
  }

  async makeFile(path: ByteString, entry: Entry, tree: Listing): Promise<void> {
    const first = entry.nlink > 1 ? this.#links.get(entry.inode) : undefined
    if (entry.nlink > 1 && first === undefined) this.#links.set(entry.inode, path)
    if (first !== undefined) return this.#replace(path, (host) => this.#link(first, host))
    if (entry.kind === 'file') return this.#makeRegular(path, entry, tree)
    try {
      this.#replace(path, (host) => {
        makeSpecial(host, entry)
        describe(host, entry)
      })
    } catch (error) {
      if (entry.kind === 'symlink' || errnoOf((error as Error).cause) !== 'EPERM') throw error
      const message = `left out /${path}: only root can make a ${entry.kind} device`
      this.#job.progress({ type: 'warning', code: 'EXPORT_PARTIAL', message })
    }
  }

  makeAttached(path: ByteString, bytes: Uint8Array, mtime: Timestamp): void {
    this.#replace(path, (host) => {
      const fd = openSync(host, NEW_FILE, 0o600)
      try {
        writeAll(fd, bytes)
      } finally {
        closeSync(fd)
      }
      describe(host, { kind: 'file', mode: 0o644, mtime })
    })
  }

  finishFolder({ path, mode, mtime }: { path: ByteString; mode: number; mtime: Timestamp }): void {
    this.#at(path, (host) => {
      chmodSync(host, mode)
      setFileTimes(host, mtime)
    })
  }

  /** Removes everything in a folder but these names. */
  keepOnly(folder: ByteString, names: ReadonlySet<string>): void {
    for (const name of readdirSync(`/proc/self/fd/${this.#folder(folder)}`, { encoding: 'buffer' })) {
      if (names.has(name.toString('latin1'))) continue
      const path = join(folder, name.toString('latin1') as ByteString)
      this.#at(path, (host, parent) => remove(host, `${parent}/${this.#unfinished}-old`))
    }
  }

  [Symbol.dispose](): void {
    if (this.#open) closeSync(this.#open.fd)
    this.#open = undefined
  }

  /** Written beside and renamed over what is there: whoever has the old file open keeps it. */
  async #makeRegular(path: ByteString, entry: Entry, tree: Listing): Promise<void> {
    const { parent, temporary } = this.#temporary(path)
    try {
      const fd = openSync(temporary, NEW_FILE, 0o600)
      try {
        if (entry.size <= SMALL) writeAll(fd, tree.readFile(entry.path, SMALL)!)
        else await this.#copy(fd, entry, tree)
      } finally {
        closeSync(fd)
      }
      describe(temporary, entry)
      put(temporary, hostPath(parent, path))
    } catch (error) {
      rmSync(temporary, { force: true })
      throw failed(path, error)
    }
  }

  async #copy(fd: number, entry: Entry, tree: Listing): Promise<void> {
    for await (const chunk of tree.read(entry.path)) {
      checkCanceled(this.#job)
      writeAll(fd, chunk)
    }
  }

  #replace(path: ByteString, make: (host: string) => void): void {
    const { parent, temporary } = this.#temporary(path)
    try {
      make(temporary)
      put(temporary, hostPath(parent, path))
    } catch (error) {
      rmSync(temporary, { force: true })
      throw failed(path, error)
    }
  }

  #temporary(path: ByteString): { parent: string; temporary: string } {
    const parent = `/proc/self/fd/${this.#folder(parentOf(path))}`
    return { parent, temporary: `${parent}/${this.#unfinished}` }
  }

  #link(first: ByteString, host: string): void {
    const fd = openInRoot(this.#root, parentOf(first), constants.O_DIRECTORY | constants.O_RDONLY)
    try {
      linkSync(hostPath(`/proc/self/fd/${fd}`, first), host)
    } finally {
      closeSync(fd)
    }
  }

  #at(path: ByteString, work: (host: Buffer, parent: string) => void): void {
    try {
      const parent = `/proc/self/fd/${this.#folder(parentOf(path))}`
      work(hostPath(parent, path), parent)
    } catch (error) {
      throw failed(path, error)
    }
  }

  #folder(path: ByteString): number {
    if (this.#open?.path === path) return this.#open.fd
    this[Symbol.dispose]()
    try {
      const fd = openInRoot(this.#root, path, constants.O_DIRECTORY | constants.O_RDONLY)
      this.#open = { path, fd }
      return fd
    } catch (error) {
      throw failed(path, error)
    }
  }
}

function parentOf(path: ByteString): ByteString {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0)) as ByteString
}

/** The last name of a path in a folder that is open. */
function hostPath(parent: string, path: ByteString): Buffer {
  const name = path.slice(path.lastIndexOf('/') + 1) as ByteString
  return Buffer.concat([Buffer.from(`${parent}/`), byteStringToBuffer(name)])
}

/** Puts a file in its place; a folder that has it gives way. */
function put(temporary: string, host: Buffer): void {
  if (lstatSync(host, { throwIfNoEntry: false })?.isDirectory()) remove(host, `${temporary}-old`)
  renameSync(temporary, host)
}

/** By way of a name that is plain text: its own may be any bytes. */
function remove(host: Buffer, doomed: string): void {
  renameSync(host, doomed)
  removeTree(doomed)
}

/** A folder of ours that we may not write into at the moment. */
function makeUsable(host: Buffer, { mode, uid }: Stats): void {
  if ((mode & 0o700) !== 0o700 && uid === process.getuid?.()) chmodSync(host, (mode & 0o7777) | 0o700)
}

function makeSpecial(host: string, { kind, link, device }: Entry): void {
  if (kind === 'symlink') symlinkSync(byteStringToBuffer(link!), host)
  else makeNode(host, kind as 'char' | 'block' | 'fifo', 0o600, device)
}

function describe(host: string, entry: Pick<Entry, 'kind' | 'mode' | 'mtime' | 'xattrs'>): void {
  for (const [name, value] of entry.xattrs ?? []) trySetXattr(host, name, value)
  if (entry.kind !== 'symlink') chmodSync(host, entry.mode)
  setFileTimes(host, entry.mtime)
}

/** Not every file system takes every attribute, nor every user; Docker leaves them out, too. */
function trySetXattr(host: string, name: string, value: Uint8Array): void {
  try {
    setXattr(host, name, value)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES', 'ERANGE', 'ENOSPC'].includes(errnoOf(error) ?? '')) throw error
  }
}

function setFileTimes(host: string | Buffer, { seconds, nanoseconds }: Timestamp): void {
  if (nanoseconds === 0 && seconds >= 0) lutimesSync(host, seconds, seconds)
  else setTimes(host, { seconds, nanoseconds })
}

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

function failed(path: string, error: unknown): Error {
  if (error instanceof SlipwayError) return error
  return fail('EXPORT_FAILED', `cannot write ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error })
}
