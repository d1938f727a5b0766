import path from 'node:path'
import { type ByteString, fail, fromByteString, toByteString } from '../../core/index.ts'
import type { Attributes, Entry, FileTree } from '../../layer/index.ts'
import type { ModeChange } from './mode.ts'
import type { Selected } from './select.ts'
import type { FileBody } from './source.ts'

/** An entry of the new layer. */
export interface Planned {
  path: ByteString
  kind: Entry['kind']
  attributes: Attributes
  /** Bytes of a file. */
  size: number
  body?: FileBody
  /** Where a symlink points. */
  link?: ByteString
  device?: Entry['device']
  /** Another planned file that this one is a hard link to. */
  hardLinkTo?: ByteString
}

/** Where things go, and whose they are. */
export interface PlacementOptions {
  /** Absolute and clean; a trailing slash says that it is a folder. */
  dest: string
  /** Unix seconds for folders that are made on the way. */
  time: number
  owner?: { uid: number; gid: number }
  /** For everything that is placed. */
  mode?: ModeChange
}

/**
 * Places a selection on top of a file system, by the rules of COPY: a folder's contents merge into the destination, a
 * file goes into a destination that is a folder or ends with a slash, else becomes it; symlinks in the destination's
 * path are followed inside. Missing parents are made (0755), existing ones appear with their attributes, as an overlay
 * would show them. Sorted, parents first. Fails with `COPY_CONFLICT` where a file and a folder stand in each other's way.
 */
export function planPlacement(selection: readonly Selected[], base: FileTree, options: PlacementOptions): Planned[] {
  if (selection.length === 0) return []
  const placement = new Placement(base, options)
  for (const selected of selection) placement.add(selected)
  return placement.sorted()
}

class Placement {
  readonly #base: FileTree
  readonly #options: PlacementOptions
  readonly #planned = new Map<ByteString, Planned>()
  readonly #links = new Map<unknown, Map<number, ByteString>>()
  /** The destination with all symlinks followed. */
  readonly #dest: ByteString

  constructor(base: FileTree, options: PlacementOptions) {
    this.#base = base
    this.#options = options
    this.#dest = base.resolve(toByteString(options.dest))
  }

  sorted(): Planned[] {
    return [...this.#planned.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
  }

  add(selected: Selected): void {
    const { entry, top } = selected
    if (top && entry.kind === 'directory') {
      this.#addDestination(entry)
      return
    }
    const target = top ? this.#fileTarget(selected.name) : join(this.#dest, selected.name)
    this.#makeParents(target)
    if (entry.kind === 'directory') this.#addFolder(target, entry)
    else this.#addOther(target, selected)
  }

  /** The folder whose contents are copied lends its time to the destination; a new one is 0755 whatever its mode. */
  #addDestination(entry: Entry): void {
    this.#makeParents(this.#dest)
    const existing = this.#folderAt(this.#dest)
    const fresh = { mode: this.#mode(0o755, true), ...(this.#options.owner ?? { uid: 0, gid: 0 }) }
    this.#planFolder(this.#dest, { ...(existing ?? fresh), mtime: entry.mtime })
  }

  #addFolder(target: ByteString, entry: Entry): void {
    this.#folderAt(target) // a file in its place is refused
    this.#planFolder(target, this.#attributes(entry))
  }

  #addOther(target: ByteString, { source, entry }: Selected): void {
    const there = this.#planned.get(target)?.kind ?? this.#base.stat(target)?.kind
    if (there === 'directory') throw conflict(target, 'cannot overwrite directory with non-directory')
    const planned: Planned = { path: target, kind: entry.kind, attributes: this.#attributes(entry), size: entry.size }
    if (entry.link !== undefined) planned.link = entry.link
    if (entry.device) planned.device = entry.device
    if (entry.kind === 'file') this.#giveContent(planned, source, entry)
    this.#planned.set(target, planned)
  }

  /** Files that are hard links of one another in the source stay so. */
  #giveContent(planned: Planned, source: Selected['source'], entry: Entry): void {
    if (entry.nlink > 1) {
      const known = this.#links.get(source) ?? new Map<number, ByteString>()
      this.#links.set(source, known)
      const first = known.get(entry.inode)
      if (first !== undefined && first !== planned.path) {
        planned.hardLinkTo = first
        return
      }
      known.set(entry.inode, planned.path)
    }
    planned.body = source.body(entry)
  }

  #fileTarget(name: ByteString): ByteString {
    const { dest } = this.#options
    const there = this.#planned.get(this.#dest)?.kind ?? this.#base.stat(this.#dest)?.kind
    const isFolder = dest.endsWith('/') || there === 'directory'
    return isFolder ? join(this.#dest, name) : this.#dest
  }

  /** Every folder above `target` is part of the layer: made anew, or as it is below. */
  #makeParents(target: ByteString): void {
    for (let at = target.indexOf('/'); at >= 0; at = target.indexOf('/', at + 1)) {
      const folder = target.slice(0, at) as ByteString
      if (this.#planned.get(folder)?.kind === 'directory') continue
      const existing = this.#folderAt(folder)
      const { uid, gid } = this.#options.owner ?? { uid: 0, gid: 0 }
      const fresh = { mode: 0o755, uid, gid, mtime: { seconds: this.#options.time, nanoseconds: 0 } }
      this.#planFolder(folder, existing ?? fresh)
    }
  }

  #planFolder(path: ByteString, attributes: Attributes): void {
    if (path === '') return
    const { mode, uid, gid, mtime, xattrs } = attributes
    this.#planned.set(path, { path, kind: 'directory', attributes: { mode, uid, gid, mtime, xattrs }, size: 0 })
  }

  /** The folder at `path` as it will be, `undefined` for none; anything else there is a conflict. */
  #folderAt(path: ByteString): Attributes | undefined {
    const planned = this.#planned.get(path)
    const existing = planned ? { ...planned.attributes, kind: planned.kind } : this.#base.stat(path)
    if (existing && existing.kind !== 'directory') throw conflict(path, 'cannot copy to non-directory')
    return existing
  }

  #mode(mode: number, isFolder: boolean): number {
    return this.#options.mode?.(mode, isFolder) ?? mode
  }

  #attributes(entry: Entry): Attributes {
    const { uid, gid } = this.#options.owner ?? entry
    const mode = entry.kind === 'symlink' ? 0o777 : this.#mode(entry.mode, entry.kind === 'directory')
    return { mode, uid, gid, mtime: entry.mtime, xattrs: entry.xattrs }
  }
}

function join(folder: ByteString, name: ByteString): ByteString {
  return path.posix.join(folder, name).replace(/^\.\/?/, '') as ByteString
}

function conflict(target: ByteString, what: string): Error {
  return fail('COPY_CONFLICT', `${what}: /${fromByteString(target)}`)
}
