import path from 'node:path'
import { type ByteString, fromByteString, toByteString } from '../../core/index.ts'
import type { Attributes, Entry, FileTree } from '../../layer/index.ts'
import type { ModeChange } from './mode.ts'
import { conflict, type Planned, PlannedTree } from './planned-tree.ts'
import type { Selected } from './select.ts'

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
 * path are followed inside. Missing parents are made, existing ones appear with their attributes, as an overlay would
 * show them. Sorted, parents first. Fails with `COPY_CONFLICT` where a file and a folder stand in each other's way.
 */
export function planPlacement(selection: readonly Selected[], base: FileTree, options: PlacementOptions): Planned[] {
  if (selection.length === 0) return []
  const placement = new Placement(base, options)
  for (const selected of selection) placement.add(selected)
  return placement.entries()
}

class Placement {
  readonly #tree: PlannedTree
  readonly #options: PlacementOptions
  /** What folders get that are made on the way. */
  readonly #made: Attributes
  readonly #madeForArchive: Attributes
  /** The destination with all symlinks followed. */
  readonly #dest: ByteString
  /** Counts what the user named; hard links are kept within each. */
  #named = 0
  /** Where the folders of an archive went. */
  readonly #unpacked = new Map<ByteString, ByteString>()

  constructor(base: FileTree, options: PlacementOptions) {
    const { owner = { uid: 0, gid: 0 }, mode, time } = options
    const fresh = { ...owner, mtime: { seconds: time, nanoseconds: 0 } }
    this.#tree = new PlannedTree(base)
    this.#made = { ...fresh, mode: mode?.forMadeFolders ?? 0o755 }
    this.#madeForArchive = { ...fresh, mode: 0o755 }
    this.#options = options
    this.#dest = base.resolve(toByteString(options.dest))
  }

  entries(): Planned[] {
    return this.#tree.entries()
  }

  add(selected: Selected): void {
    if (selected.top) this.#named++
    if (selected.unpacked) this.#unpack(selected)
    else if (selected.top && selected.entry.kind === 'directory') this.#mergeInto(selected.entry)
    else this.#place(selected)
  }

  /** The folder whose contents are copied lends its time to the destination, which else stays as it is. */
  #mergeInto(entry: Entry): void {
    const there = this.#tree.stat(this.#dest)
    if (there && there.kind !== 'directory') throw conflict(`cannot copy to non-directory: ${shown(this.#dest)}`)
    this.#tree.makeFolder(this.#dest, this.#made)
    this.#tree.putFolder(this.#dest, { ...this.#tree.stat(this.#dest)!, mtime: entry.mtime })
  }

  #place(selected: Selected): void {
    const target = selected.top ? this.#fileTarget(selected.name) : join(this.#dest, selected.name)
    const parent = parentOf(target)
    if (parent !== undefined) this.#tree.makeFolder(parent, this.#made)
    const there = this.#tree.stat(target)?.kind
    if (selected.entry.kind === 'directory') {
      if (there !== undefined && there !== 'directory') {
        throw conflict(`cannot copy to non-directory: ${shown(target)}`)
      }
      this.#tree.putFolder(target, this.#attributes(selected.entry, this.#options.mode))
      return
    }
    if (there === 'directory') throw conflict(`cannot replace to directory ${shown(target)} with file`)
    this.#put(target, selected)
  }

  #fileTarget(name: ByteString): ByteString {
    const isFolder = this.#options.dest.endsWith('/') || this.#tree.stat(this.#dest)?.kind === 'directory'
    return isFolder ? join(this.#dest, name) : this.#dest
  }

  /** Entries of an archive take the place of whatever is in their way, as if extracted there; `--chmod` is not for them. */
  #unpack(selected: Selected): void {
    const { entry, name } = selected
    if (selected.copiedUp) {
      const target = join(this.#dest, name)
      const parent = parentOf(target)
      if (parent !== undefined) this.#tree.makeFolder(parent, this.#madeForArchive)
      this.#put(target, selected)
      return
    }
    if (selected.top) {
      this.#tree.makeFolder(this.#dest, this.#madeForArchive)
      this.#unpacked.clear()
      this.#unpacked.set(name, this.#dest)
      return
    }
    const folder = this.#unpacked.get(parentOf(name) ?? ('' as ByteString))!
    const target = join(folder, name.slice(name.lastIndexOf('/') + 1) as ByteString)
    if (entry.kind === 'directory') this.#unpacked.set(name, this.#unpackFolder(target, entry))
    else {
      this.#tree.clear(target)
      this.#put(target, selected)
    }
  }

  /** Where the folder is in the end: one that the archive only implies may be behind a symlink. */
  #unpackFolder(target: ByteString, entry: Entry): ByteString {
    const isImplied = saysNothing(entry)
    const real = isImplied ? this.#tree.resolve(target) : target
    if (this.#tree.stat(real)?.kind !== 'directory') this.#tree.clear(target)
    const found = this.#tree.stat(real)?.kind === 'directory' ? real : target
    this.#tree.makeFolder(found, this.#madeForArchive)
    if (!isImplied) this.#tree.putFolder(found, this.#attributes(entry, undefined))
    return found
  }

  #put(path: ByteString, { source, entry, unpacked }: Selected): void {
    const mode = unpacked ? undefined : this.#options.mode
    const planned: Planned = { path, kind: entry.kind, attributes: this.#attributes(entry, mode), size: entry.size }
    if (entry.link !== undefined) planned.link = entry.link
    if (entry.device) planned.device = entry.device
    if (entry.kind === 'file') planned.body = source.body(entry)
    this.#tree.put(planned, entry.nlink > 1 ? { named: this.#named, inode: entry.inode } : undefined)
  }

  #attributes(entry: Entry, mode: ModeChange | undefined): Attributes {
    const { uid, gid } = this.#options.owner ?? entry
    const changed = mode?.(entry.mode, entry.kind === 'directory') ?? entry.mode
    const { mtime } = entry
    return { mode: entry.kind === 'symlink' ? 0o777 : changed, uid, gid, mtime, xattrs: keptXattrs(entry) }
  }
}

const CAPABILITY = 'security.capability'

/** Docker's layers carry what a program may do, and no other attribute. */
function keptXattrs({ xattrs }: Entry): Attributes['xattrs'] {
  const capability = xattrs?.get(CAPABILITY)
  return capability && new Map([[CAPABILITY, capability]])
}

/** What a folder looks like that an archive has no entry for: it is there because of what is in it. */
function saysNothing({ mode, uid, gid, mtime }: Entry): boolean {
  return mode === 0o755 && uid === 0 && gid === 0 && mtime.seconds === 0
}

function join(folder: ByteString, name: ByteString): ByteString {
  return path.posix.join('/', folder, name).slice(1) as ByteString
}

/** `undefined` for a name at the top. */
function parentOf(name: ByteString): ByteString | undefined {
  const cut = name.lastIndexOf('/')
  return cut < 0 ? undefined : (name.slice(0, cut) as ByteString)
}

const shown = (name: ByteString): string => `/${fromByteString(name)}`
