import { type ByteString, fail, fromByteString } from '../../core/index.ts'
import type { Attributes, Entry, FileTree } from '../../layer/index.ts'
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

/** A file that has several names in its source; `named` tells what the user named with one word from what with another. */
interface Linked {
  named: number
  inode: number
}

/** A file system as it will be: what lies below, and what is planned on top of it. */
export class PlannedTree {
  readonly #base: FileTree
  readonly #planned = new Map<ByteString, Planned>()
  readonly #linked = new Map<ByteString, Linked>()
  /** Folders that stand in place of something else: nothing of the base is seen below them. */
  readonly #hiding = new Set<ByteString>()

  constructor(base: FileTree) {
    this.#base = base
  }

  /** What will be at a path; a symlink is not followed. */
  stat(path: ByteString): (Attributes & { kind: Entry['kind'] }) | undefined {
    const planned = this.#planned.get(path)
    if (planned) return { ...planned.attributes, kind: planned.kind }
    return this.#hides(path) ? undefined : this.#base.stat(path)
  }

  /** The path with the symlinks of the base followed. */
  resolve(path: ByteString): ByteString {
    return this.#hides(path) ? path : this.#base.resolve(path)
  }

  /**
   * Makes sure that a folder is there, and all above it: made with the attributes of `fresh`, or as they are. Fails
   * with `COPY_CONFLICT` when something else is in the way.
   */
  makeFolder(path: ByteString, fresh: Attributes): void {
    for (let at = path.indexOf('/'); ; at = path.indexOf('/', at + 1)) {
      const folder = at < 0 ? path : (path.slice(0, at) as ByteString)
      if (this.#planned.get(folder)?.kind !== 'directory') {
        const there = this.stat(folder)
        if (there && there.kind !== 'directory') throw conflict(`mkdir /${fromByteString(folder)}: not a directory`)
        this.putFolder(folder, there ?? fresh)
      }
      if (at < 0) return
    }
  }

  putFolder(path: ByteString, attributes: Attributes): void {
    if (path === '') return
    const { mode, uid, gid, mtime, xattrs } = attributes
    this.#planned.set(path, { path, kind: 'directory', attributes: { mode, uid, gid, mtime, xattrs }, size: 0 })
  }

  /** Anything but a folder; what is there, if not a folder, goes. */
  put(planned: Planned, linked?: Linked): void {
    this.#planned.set(planned.path, planned)
    if (linked) this.#linked.set(planned.path, linked)
    else this.#linked.delete(planned.path)
  }

  /** Clears a path: neither what is planned there or below, nor what the base has there, will be seen. */
  clear(path: ByteString): void {
    const there = this.stat(path)
    if (!there) return
    this.#planned.delete(path)
    this.#hiding.add(path)
    if (there.kind !== 'directory') return
    for (const name of this.#planned.keys()) if (name.startsWith(`${path}/`)) this.#planned.delete(name)
  }

  /** All that is planned, sorted, parents first; of several names of one file the first carries the content. */
  entries(): Planned[] {
    const sorted = [...this.#planned.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0))
    const firsts = new Map<string, ByteString>()
    return sorted.map((planned) => {
      const linked = this.#linked.get(planned.path)
      if (!linked || planned.kind !== 'file') return planned
      const key = `${linked.named} ${linked.inode}`
      const first = firsts.get(key)
      if (first === undefined) firsts.set(key, planned.path)
      return first === undefined ? planned : { ...planned, hardLinkTo: first }
    })
  }

  #hides(path: ByteString): boolean {
    if (this.#hiding.size === 0) return false
    for (let at = path.length; at >= 0; at = path.lastIndexOf('/', at - 1)) {
      if (this.#hiding.has(path.slice(0, at) as ByteString)) return true
      if (at === 0) break
    }
    return false
  }
}

/** Two things that cannot both be there. */
export function conflict(message: string): Error {
  return fail('COPY_CONFLICT', message)
}
