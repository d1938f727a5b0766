import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  ftruncateSync,
  lchownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  openSync,
  symlinkSync,
} from 'node:fs'
import {
  type ByteString,
  byteStringToBuffer,
  errnoOf,
  fail,
  type Job,
  messageOf,
  SlipwayError,
  silentJob,
} from '../core/index.ts'
import { makeNode, setTimes, setXattr } from '../host/index.ts'
import type { Dirent, IndexImage, Inode } from './erofs/read.ts'
import { hostPath } from './host-path.ts'
import type { LayerIndex } from './layer-index.ts'
import { quoteName } from './limits.ts'
import { createMeter, type Meter } from './meter.ts'
import { runPaced, type Steps } from './steps.ts'
import { isOverlayXattr } from './tree/attributes.ts'
import type { DataSource } from './tree/node.ts'
import { joinPath } from './tree/path.ts'
import { SourceReader } from './tree/sources.ts'
import { Warnings } from './tree/warnings.ts'
import { writeAll } from './write-all.ts'

/** How a layer is unpacked. */
export interface UnpackOptions {
  /**
   * What becomes of whiteouts and opaque directories: what overlayfs wants of a lower directory when root mounts it,
   * or when a user does (`userxattr`); or nothing, for a tree that stands alone.
   */
  whiteouts: 'overlay-trusted' | 'overlay-user' | 'none'
  task?: string
}

/**
 * Unpacks one layer into `target`, an empty directory, with owners, modes, times, extended attributes, hard links,
 * devices and holes. It follows the layer's index and only ever makes new files in directories that it has just made,
 * so nothing can land elsewhere. As a user, devices and attributes that only root may set are left out with a warning.
 * Fails with `LAYER_UNPACK_FAILED`; what is there by then stays for the caller to remove.
 */
export async function unpackLayer(
  layer: LayerIndex,
  target: string,
  options: UnpackOptions,
  job: Job = silentJob,
): Promise<void> {
  using unpacker = new Unpacker(layer, target, options, job)
  await runPaced(unpacker.steps(), job)
}

/** A directory that is being filled; it gets its attributes when that is done. */
interface Frame {
  path: ByteString
  inode: Inode
  names: Dirent[]
  next: number
  holdsWhiteout: boolean
}

const CHUNK = 1 << 20
const NEW_FILE = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW

class Unpacker implements Disposable {
  readonly #image: IndexImage
  readonly #target: string
  readonly #options: UnpackOptions
  readonly #warnings: Warnings
  readonly #meter: Meter
  readonly #sources: readonly DataSource[]
  readonly #reader: SourceReader = new SourceReader()
  readonly #buffer: Buffer = Buffer.allocUnsafe(CHUNK)
  readonly #links: Map<number, ByteString> = new Map()
  readonly #frames: Frame[] = []

  constructor(layer: LayerIndex, target: string, options: UnpackOptions, job: Job) {
    this.#image = layer.image
    this.#target = target
    this.#options = options
    this.#warnings = new Warnings(job, options.task)
    this.#meter = createMeter(job, options.task, layer.contentBytes)
    this.#sources = [{ path: layer.path, size: 0 }, ...layer.devices.map((device) => ({ ...device, size: 0 }))]
    this.#enter('' as ByteString, layer.image.inode(layer.image.root))
  }

  *steps(): Steps<void> {
    for (let frame = this.#frames.at(-1); frame; frame = this.#frames.at(-1)) {
      yield
      this.#step(frame)
    }
    this.#meter.end()
  }

  /** Deals with the next name of a directory. */
  #step(frame: Frame): void {
    const dirent = frame.names[frame.next++]
    const path = dirent ? joinPath(frame.path, dirent.name) : frame.path
    try {
      if (dirent) this.#make(frame, path, this.#image.child(frame.inode, dirent.nid))
      else this.#leave(frame)
    } catch (error) {
      throw error instanceof SlipwayError ? error : cannotUnpack(path, error)
    }
  }

  [Symbol.dispose](): void {
    this.#reader[Symbol.dispose]()
  }

  #enter(path: ByteString, inode: Inode): void {
    this.#frames.push({ path, inode, names: this.#image.names(inode), next: 0, holdsWhiteout: false })
  }

  #leave({ path, inode, holdsWhiteout }: Frame): void {
    const host = hostPath(this.#target, path)
    this.#describe(path, host, inode)
    const { whiteouts } = this.#options
    const prefix = whiteouts === 'overlay-trusted' ? 'trusted.overlay.' : 'user.overlay.'
    if (whiteouts !== 'none' && this.#image.isOpaque(inode)) setXattr(host, `${prefix}opaque`, Buffer.from('y'))
    // Without it, whiteouts show in directories that are not merged: see ORIGIN_XATTR.
    if (holdsWhiteout) setXattr(host, `${prefix}origin`, Buffer.alloc(0))
    chmodSync(host, inode.mode)
    setFileTimes(host, inode)
    this.#frames.pop()
  }

  #make(frame: Frame, path: ByteString, inode: Inode): void {
    const host = hostPath(this.#target, path)
    const first = inode.nlink > 1 ? this.#links.get(inode.nid) : undefined
    if (inode.isWhiteout) this.#makeWhiteout(frame, host)
    else if (inode.kind === 'directory') {
      mkdirSync(host, 0o700)
      this.#enter(path, inode)
    } else if (first !== undefined) linkSync(hostPath(this.#target, first), host)
    else if (this.#makeNew(path, host, inode) && inode.nlink > 1) this.#links.set(inode.nid, path)
  }

  /** False when it had to be left out. */
  #makeNew(path: ByteString, host: string | Buffer, inode: Inode): boolean {
    if (inode.kind === 'file') this.#makeFile(path, host, inode)
    else if (inode.kind === 'symlink') this.#makeSymlink(path, host, inode)
    else return this.#makeSpecial(path, host, inode)
    return true
  }

  #makeWhiteout(frame: Frame, host: string | Buffer): void {
    if (this.#options.whiteouts === 'none') return
    makeNode(host, 'char', 0)
    frame.holdsWhiteout = true
  }

  #makeFile(path: ByteString, host: string | Buffer, inode: Inode): void {
    const fd = openSync(host, NEW_FILE, 0o600)
    try {
      this.#copyContent(fd, inode)
      fchownSync(fd, inode.uid, inode.gid)
      this.#setXattrs(path, host, inode)
      fchmodSync(fd, inode.mode)
    } finally {
      closeSync(fd)
    }
    setFileTimes(host, inode)
  }

  #copyContent(fd: number, inode: Inode): void {
    let end = 0
    for (const run of this.#image.chunks(inode)) {
      for (let done = 0; done < run.length; done += CHUNK) {
        const piece = this.#buffer.subarray(0, Math.min(CHUNK, run.length - done))
        this.#reader.readSource(this.#sources[run.device]!, run.offset + done, piece)
        writeAll(fd, piece, run.start + done)
      }
      end = run.start + run.length
    }
    if (end < inode.size) ftruncateSync(fd, inode.size)
    this.#meter.add(inode.size)
  }

  #makeSymlink(path: ByteString, host: string | Buffer, inode: Inode): void {
    symlinkSync(byteStringToBuffer(this.#image.link(inode)), host)
    this.#describe(path, host, inode)
    setFileTimes(host, inode)
  }

  #makeSpecial(path: ByteString, host: string | Buffer, inode: Inode): boolean {
    const made = this.#unlessForbidden(path, `a ${inode.kind} device`, () => {
      makeNode(host, inode.kind as 'char' | 'block' | 'fifo', 0o600, inode.device)
    })
    if (!made) return false
    this.#describe(path, host, inode)
    chmodSync(host, inode.mode)
    setFileTimes(host, inode)
    return true
  }

  #describe(path: ByteString, host: string | Buffer, inode: Inode): void {
    lchownSync(host, inode.uid, inode.gid)
    this.#setXattrs(path, host, inode)
  }

  /** After the owner is set, since that takes file capabilities away. */
  #setXattrs(path: ByteString, host: string | Buffer, inode: Inode): void {
    for (const [name, value] of this.#image.xattrs(inode) ?? []) {
      if (isOverlayXattr(name)) continue
      this.#unlessForbidden(path, `the extended attribute ${name}`, () => setXattr(host, name, value))
    }
  }

  /** Does what a user may not be allowed to do; tells whether it was done. */
  #unlessForbidden(path: ByteString, what: string, work: () => void): boolean {
    try {
      work()
      return true
    } catch (error) {
      const code = errnoOf(error)
      const isForbidden = code === 'EPERM' && this.#options.whiteouts !== 'overlay-trusted'
      if (!isForbidden && code !== 'ENOTSUP' && code !== 'EOPNOTSUPP') throw error
      this.#warnings.add('LAYER_UNPACK_PARTIAL', path, `left out ${what}: ${code}`, what)
      return false
    }
  }
}

/** Node's call is faster, and exact for whole seconds; times before 1970 it takes for the present. */
function setFileTimes(host: string | Buffer, { seconds, nanoseconds }: Inode): void {
  if (nanoseconds === 0 && seconds >= 0) lutimesSync(host, seconds, seconds)
  else setTimes(host, { seconds, nanoseconds })
}

function cannotUnpack(path: ByteString, cause: unknown): Error {
  const code = errnoOf(cause)
  const details: { cause: unknown; hint?: string } = { cause }
  if (code === 'ENOSPC') details.hint = 'free some space, for example with "slipway image prune".'
  if (code === 'EINVAL' || code === 'EPERM')
    details.hint = 'are there enough subordinate ids in /etc/subuid and /etc/subgid?'
  return fail('LAYER_UNPACK_FAILED', `cannot unpack ${quoteName(path)}: ${messageOf(cause)}`, details)
}
