import type { ByteString } from '../../core/index.ts'
import { type LayerLimits, overLimit } from '../limits.ts'
import { implicitDirectory, type Node } from './node.ts'
import { checkName, detach, entryPath, MAX_SYMLINKS, refuse, splitPath } from './path.ts'

/** A name in a directory of the tree. */
export interface Place {
  directory: Node
  name: ByteString
}

/** Directories passed on the way to all entries of an archive; a million entries ten deep are a third of it. */
const MAX_STEPS = 30_000_000

/** Finds the directories of a layer's tree by the names its archive uses, and makes those that are missing. */
export class Directories {
  readonly #root: Node
  readonly #limits: LayerLimits
  readonly #made: (entry: ByteString) => void
  // The directory part of the last name: archives list the files of a directory one after the other.
  #lastPath: ByteString | undefined
  #lastNode: Node
  #lastBytes = 0
  #steps = 0

  /** `made` is told of each directory that had to be made, with the name that needed it. */
  constructor(root: Node, limits: LayerLimits, made: (entry: ByteString) => void) {
    this.#root = root
    this.#lastNode = root
    this.#limits = limits
    this.#made = made
  }

  /** To be called when a name in the tree has become something else. */
  forget(): void {
    this.#lastPath = undefined
  }

  /** The place of a name in the directory of the name before it, without looking at anything else. */
  sameDirectory(name: ByteString): Place | undefined {
    const last = this.#lastPath
    if (last === undefined || name.lastIndexOf('/') !== last.length || !name.startsWith(last)) return undefined
    const base = name.slice(last.length + 1) as ByteString
    if (base === '' || base === '.' || base === '..') return undefined
    if (this.#lastBytes + base.length > this.#limits.pathBytes) return undefined
    checkName(base, name)
    return { directory: this.#lastNode, name: detach(base, name) }
  }

  /** The place for a new entry; `names` is its path and not empty. */
  place(names: readonly ByteString[], entry: ByteString): Place {
    const name = names.at(-1)!
    const { node: directory, path } = this.#descend(names.slice(0, -1), entry, true)
    const bytes = this.#checkDepth(path, name, entry)
    const slash = entry.lastIndexOf('/')
    if (slash > 0 && entry.length - slash - 1 === name.length && entry.endsWith(name)) {
      this.#lastPath = entry.slice(0, slash) as ByteString
      this.#lastNode = directory!
      this.#lastBytes = bytes - name.length
    }
    return { directory: directory!, name: detach(name, entry) }
  }

  /** What a path leads to, the last name not followed; and the path without symlinks, for a look at lower layers. */
  find(path: ByteString): { node: Node | undefined; path: ByteString } {
    const names = entryPath(path, this.#limits)
    const name = names.pop()
    const above = this.#descend(names, path, false)
    const node = name === undefined ? this.#root : above.node?.children?.get(name)
    return { node, path: [...above.path, ...(name === undefined ? [] : [name])].join('/') as ByteString }
  }

  /** Follows names from the root, and symlinks on the way, none of which leads out of the root. */
  #descend(
    names: readonly ByteString[],
    entry: ByteString,
    make: boolean,
  ): { node: Node | undefined; path: ByteString[] } {
    const pending = [...names].reverse()
    const stack: (Node | undefined)[] = [this.#root]
    const path: ByteString[] = []
    let links = 0
    while (pending.length > 0) {
      const name = pending.pop()!
      this.#countStep(entry)
      const directory = stack.at(-1)
      const child = directory?.children?.get(name)
      if (name === '..') {
        if (path.pop() !== undefined) stack.pop()
      } else if (child?.kind === 'symlink') {
        if (++links > MAX_SYMLINKS) throw refuse(entry, 'too many levels of symbolic links')
        if (child.link!.startsWith('/')) {
          path.length = 0
          stack.length = 1
        }
        pending.push(...splitPath(child.link!).reverse())
      } else {
        path.push(name)
        stack.push(make && !child?.children ? this.#makeDirectory(directory!, path, entry) : child)
      }
    }
    return { node: stack.at(-1), path }
  }

  #makeDirectory(parent: Node, path: readonly ByteString[], entry: ByteString): Node {
    const name = path.at(-1)!
    checkName(name, entry)
    this.#made(entry)
    const old = parent.children!.get(name)
    if (old) this.forget()
    const made = implicitDirectory()
    // What the lower layers have under this name was deleted before, by this layer.
    made.opaque = old?.kind === 'whiteout'
    parent.children!.set(name, made)
    return made
  }

  /** Long paths through many symlinks, again and again, would keep us busy for hours. */
  #countStep(entry: ByteString): void {
    if (++this.#steps <= MAX_STEPS) return
    throw overLimit('depth', entry, 'too many directories on the way to all entries', MAX_STEPS)
  }

  /** The length of a path; through symlinks, it can become longer than any name in the archive. */
  #checkDepth(directory: readonly ByteString[], name: ByteString, entry: ByteString): number {
    if (directory.length > this.#limits.depth) {
      throw overLimit('depth', entry, `${directory.length} directories deep`, this.#limits.depth)
    }
    const bytes = directory.reduce((sum, part) => sum + part.length + 1, name.length)
    if (bytes <= this.#limits.pathBytes) return bytes
    throw overLimit('pathBytes', entry, `a path of ${bytes} bytes`, this.#limits.pathBytes)
  }
}
