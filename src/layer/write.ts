import { closeSync, constants, fstatSync, openSync, readSync, rmSync } from 'node:fs'
import { type ByteString, errnoOf, fail, type Job, silentJob } from '../core/index.ts'
import { type DeviceNumber, openExact } from '../host/index.ts'
import type { Attributes } from './entry.ts'
import type { FileTree } from './file-tree.ts'
import type { LayerFiles } from './import.ts'
import { LayerIndexer, type LayerSummary } from './indexing.ts'
import { type LayerLimits, quoteName } from './limits.ts'
import { runAtOnce } from './steps.ts'
import { encodeTarHeader } from './tar/encode.ts'
import type { TarEntry, TarType } from './tar/entry.ts'
import { TarFile } from './tar/file.ts'
import { layerAttributes } from './tree/attributes.ts'
import { isWhiteoutName } from './tree/builder.ts'
import { entryPath, joinPath, refuse } from './tree/path.ts'
import { SourceReader } from './tree/sources.ts'

/** A file of this host. `exact`: its path is canonical, and nothing on the way there may have become a link since. */
export interface HostFile {
  hostPath: string | Buffer
  exact?: boolean
}

/** Where the content of a file comes from: this host, memory, or an image. */
export type FileSource = HostFile | { bytes: Uint8Array } | { tree: FileTree; path: ByteString }

/**
 * Writes a layer entry by entry: archive, digest and index in one pass. Entries are written in the order they are
 * given, and the same calls give the same bytes; parents are not added. Times are cut to whole seconds, as Docker does.
 * Paths are from the root of the image; whiteout names are refused (`LAYER_NAME_RESERVED`), and so is what no layer can
 * hold (`LAYER_ENTRY_REFUSED`). After a failure only `abort` is possible; disposing of an unfinished writer does that.
 */
export interface LayerWriter extends Disposable {
  directory(path: ByteString, attributes: Attributes): void
  /**
   * A regular file. A host path is not followed if it is a symlink, and must be a regular file: fails with
   * `LAYER_SOURCE_CHANGED` when it is none, or changes its size while it is read.
   */
  file(path: ByteString, attributes: Attributes, source: FileSource): void
  symlink(path: ByteString, attributes: Attributes, target: ByteString): void
  /** Another name for a file that this layer already holds. Fails with `LAYER_LINK_BROKEN` when it does not. */
  hardlink(path: ByteString, target: ByteString): void
  device(path: ByteString, attributes: Attributes, kind: 'char' | 'block', device: DeviceNumber): void
  fifo(path: ByteString, attributes: Attributes): void
  /** Hides what lower layers have under this path. */
  whiteout(path: ByteString): void
  /** Hides what lower layers have in this directory. */
  opaque(directory: ByteString): void
  /** Entries so far: 0 means that the layer changes nothing. */
  readonly entries: number
  /** Ends the layer and brings both files to the disk. */
  finish(): LayerSummary
  /** Removes both files. */
  abort(): void
}

/** Starts a layer. Both files are made new. */
export function createLayerWriter(
  files: LayerFiles,
  options: { limits?: Partial<LayerLimits>; task?: string } = {},
  job: Job = silentJob,
): LayerWriter {
  return new FileLayerWriter(files, options, job)
}

const NO_DEVICE: DeviceNumber = { major: 0, minor: 0 }
const NOTHING = '' as ByteString
const PLAIN: Attributes = { mode: 0, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }
// A FIFO that took the place of a file must not make us wait.
const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK

class FileLayerWriter implements LayerWriter {
  readonly #files: LayerFiles
  readonly #tar: TarFile
  readonly #indexer: LayerIndexer
  readonly #sources: SourceReader = new SourceReader()
  #isFinished = false

  constructor(files: LayerFiles, options: { limits?: Partial<LayerLimits>; task?: string }, job: Job) {
    this.#files = files
    this.#tar = new TarFile(files.tar)
    this.#indexer = new LayerIndexer(files.tar, options, job)
  }

  get entries(): number {
    return this.#indexer.builder.entries
  }

  directory(path: ByteString, attributes: Attributes): void {
    this.#add('directory', path, attributes)
  }

  symlink(path: ByteString, attributes: Attributes, target: ByteString): void {
    this.#add('symlink', path, { ...attributes, mode: 0o777 }, { link: target })
  }

  hardlink(path: ByteString, target: ByteString): void {
    const link = this.#tidy(target)
    const known = this.#indexer.builder.find(link)
    if (!known) {
      throw fail('LAYER_LINK_BROKEN', `link ${quoteName(target)} ${quoteName(path)}: no such file or directory`)
    }
    // Docker gives a link's attributes to the file when it unpacks it.
    const { mode, uid, gid, seconds, nanoseconds, xattrs } = known
    this.#add('hardlink', path, { mode, uid, gid, mtime: { seconds, nanoseconds }, xattrs }, { link })
  }

  device(path: ByteString, attributes: Attributes, kind: 'char' | 'block', device: DeviceNumber): void {
    this.#add(kind, path, attributes, { device })
  }

  fifo(path: ByteString, attributes: Attributes): void {
    this.#add('fifo', path, attributes)
  }

  whiteout(path: ByteString): void {
    const hidden = this.#tidy(path)
    const slash = hidden.lastIndexOf('/') + 1
    this.#write(tarEntry('file', `${hidden.slice(0, slash)}.wh.${hidden.slice(slash)}` as ByteString, PLAIN, {}))
  }

  opaque(directory: ByteString): void {
    this.#write(tarEntry('file', joinPath(this.#tidy(directory), '.wh..wh..opq' as ByteString), PLAIN, {}))
  }

  file(path: ByteString, attributes: Attributes, source: FileSource): void {
    if ('bytes' in source) this.#addBytes(path, attributes, source.bytes)
    else if ('tree' in source) this.#addFromTree(path, attributes, source)
    else this.#addFromHost(path, attributes, source)
  }

  #addBytes(path: ByteString, attributes: Attributes, bytes: Uint8Array): void {
    this.#add('file', path, attributes, { size: bytes.length })
    this.#tar.append(bytes)
    this.#tar.pad(bytes.length)
  }

  #addFromTree(path: ByteString, attributes: Attributes, source: { tree: FileTree; path: ByteString }): void {
    const entry = source.tree.stat(source.path)
    if (entry?.kind !== 'file') throw fail('TREE_NOT_FOUND', `${quoteName(source.path)}: not a regular file`)
    const extents = source.tree.extents(source.path)
    this.#add('file', path, attributes, { size: entry.size })
    this.#tar.appendFrom(entry.size, (buffer, at, length, done) => {
      const count = Math.min(length, entry.size - done)
      this.#sources.read(extents, done, buffer.subarray(at, at + count))
      return count
    })
    this.#tar.pad(entry.size)
  }

  #addFromHost(path: ByteString, attributes: Attributes, source: HostFile): void {
    const { hostPath } = source
    const fd = openSource(source)
    try {
      const stat = fstatSync(fd)
      if (!stat.isFile()) throw changed(hostPath, 'it is no regular file any more')
      const { size } = stat
      this.#add('file', path, attributes, { size })
      const copied = this.#tar.appendFrom(size, (buffer, at, length) => readSync(fd, buffer, at, length, null))
      if (copied !== size) throw changed(hostPath, `it had ${size} bytes before`)
      this.#tar.pad(size)
    } finally {
      closeSync(fd)
    }
  }

  #add(
    type: TarType,
    path: ByteString,
    attributes: Attributes,
    more: { size?: number; link?: ByteString; device?: DeviceNumber } = {},
  ): void {
    const name = this.#tidy(path)
    if (name === '' && type !== 'directory') throw refuse(path, 'only a directory can be the root')
    const given = tarEntry(type, name === '' ? ('./' as ByteString) : name, attributes, more)
    this.#write(layerAttributes(given, this.#indexer.warnings))
  }

  /** A path as it stands in the archive. */
  #tidy(path: ByteString): ByteString {
    const names = entryPath(path, this.#indexer.limits)
    if (names.some(isWhiteoutName)) throw reserved(path)
    return names.join('/') as ByteString
  }

  #write(entry: TarEntry): void {
    this.#tar.append(encodeTarHeader(entry))
    this.#indexer.builder.add(entry, this.#tar.size)
  }

  finish(): LayerSummary {
    this.#sources[Symbol.dispose]()
    const { diffId, size } = this.#tar.finish()
    const summary = runAtOnce(this.#indexer.finish(this.#files.index, diffId, size))
    this.#isFinished = true
    return summary
  }

  [Symbol.dispose](): void {
    if (!this.#isFinished) this.abort()
  }

  abort(): void {
    this.#sources[Symbol.dispose]()
    this.#tar.close()
    for (const path of [this.#files.tar, this.#files.index]) rmSync(path, { force: true })
  }
}

function tarEntry(
  type: TarType,
  name: ByteString,
  attributes: Attributes,
  more: { size?: number; link?: ByteString; device?: DeviceNumber },
): TarEntry {
  const { mode, uid, gid, mtime, xattrs } = attributes
  return {
    name,
    type,
    flag: '',
    mode,
    uid,
    gid,
    mtime: mtime.nanoseconds === 0 ? mtime : { seconds: mtime.seconds, nanoseconds: 0 },
    xattrs,
    size: more.size ?? 0,
    link: more.link ?? NOTHING,
    device: more.device ?? NO_DEVICE,
  }
}

function openSource({ hostPath: path, exact = false }: HostFile): number {
  try {
    const fd = exact ? openExact(path) : openSync(path, OPEN_FLAGS)
    if (fd !== undefined) return fd
  } catch (cause) {
    const code = errnoOf(cause)
    // ELOOP: it is a symlink now; ENXIO: a socket or device.
    if (code === 'ENOENT' || code === 'ELOOP' || code === 'ENXIO') {
      throw changed(path, 'it is no regular file any more', cause)
    }
    if (code === 'EACCES') throw fail('LAYER_SOURCE_DENIED', `open ${path}: permission denied`, { cause })
    throw cause
  }
  throw changed(path, 'a folder on the way to it is a link now')
}

function changed(path: string | Buffer, what: string, cause?: unknown): Error {
  return fail('LAYER_SOURCE_CHANGED', `${path} changed while it was read: ${what}`, {
    cause,
    data: { path: String(path) },
    hint: 'build again when nothing writes to it.',
  })
}

function reserved(path: ByteString): Error {
  return fail('LAYER_NAME_RESERVED', `${quoteName(path)}: a name in an image cannot begin with ".wh."`)
}
