import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  closeSync,
  constants,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  type Stats,
  unlinkSync,
  writeSync,
} from 'node:fs'
import {
  type ByteString,
  byteStringToBuffer,
  checkCanceled,
  errnoOf,
  fail,
  type Job,
  messageOf,
  SlipwayError,
} from '../../core/index.ts'
import { openInRoot, removeTree } from '../../host/index.ts'
import type { Entry, Listing, Timestamp } from '../../layer/index.ts'
import { describe, makeSpecial, setFileTimes } from './file-attributes.ts'

const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW
/** Files of up to so many bytes are read at once: most are. */
const SMALL = 256 << 10

/** Works in one folder after another: the one that was used last is kept open. */
export class FolderWriter implements Disposable {
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

  /** Makes a directory, or takes the one that is there. */
  makeFolder(path: ByteString): void {
    this.#at(path, (host) => {
      const old = lstatSync(host, { throwIfNoEntry: false })
      if (old?.isDirectory()) return makeUsable(host, old)
      if (old) unlinkSync(host)
      mkdirSync(host, 0o700)
    })
  }

  /** Makes anything but a directory: a further name of an inode becomes a hard link. */
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

  /** Makes a file that is in no image. */
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

  /** Gives a directory its mode and time, once everything in it is made. */
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
      const path = joinPath(folder, name.toString('latin1') as ByteString)
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
      throw exportFailed(path, error)
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
      throw exportFailed(path, error)
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
      throw exportFailed(path, error)
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
      throw exportFailed(path, error)
    }
  }
}

/** A path in a folder; the folder may be the root. */
export const joinPath = (folder: ByteString, path: ByteString): ByteString =>
  (folder === '' ? path : `${folder}/${path}`) as ByteString

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

function writeAll(fd: number, bytes: Uint8Array): void {
  for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
}

/** What an error of the system is to the user. */
export function exportFailed(path: string, error: unknown): Error {
  if (error instanceof SlipwayError) return error
  return fail('EXPORT_FAILED', `cannot write ${JSON.stringify(path)}: ${messageOf(error)}`, { cause: error })
}
