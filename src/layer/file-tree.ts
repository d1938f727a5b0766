import { type ByteRange, type ByteString, type Bytes, createPacer, fail } from '../core/index.ts'
import type { Entry } from './entry.ts'
import type { LayerIndex } from './layer-index.ts'
import { quoteName } from './limits.ts'
import type { Extent } from './tree/node.ts'
import { joinPath } from './tree/path.ts'
import { type Resolved, resolvePath } from './tree/resolve.ts'
import { SourceReader } from './tree/sources.ts'
import { LayerStack, type Parts } from './tree/stack.ts'

/**
 * The files of a stack of layers as a container would see them, read from the indexes: nothing is mounted, unpacked
 * or kept open. Paths are from the root, with or without a leading slash. Symlinks are followed inside of the tree,
 * and never lead out of it; 40 of them on one path are a loop (`TREE_SYMLINK_LOOP`). A damaged index shows as
 * `LAYER_INDEX_INVALID` from any method, a missing archive as `LAYER_DATA_MISSING` from those that read content.
 */
export interface FileTree {
  /** What a path leads to, like lstat(2): a symlink at its end is not followed. The root has the path ''. */
  stat(path: ByteString): Entry | undefined
  /**
   * The path with its symlinks resolved; of what is missing, the rest is kept as it is but for `.` and `..`.
   * With `followLast: false`, a symlink at the end stays.
   */
  resolve(path: ByteString, options?: { followLast?: boolean }): ByteString
  /** The entries of a directory, sorted by bytes. Fails with `TREE_NOT_FOUND` when there is no such directory. */
  list(directory: ByteString): Entry[]
  /**
   * Everything below a directory: each directory before its entries, sorted by bytes. Fails like `list`, but finds
   * nothing below the root of a tree without layers, which has none.
   */
  walk(directory?: ByteString): Generator<Entry, void, void>
  /** The content of a file, or a range of it. Fails with `TREE_NOT_FOUND` when there is no such file. */
  read(path: ByteString, range?: ByteRange): Bytes
  /** A small file at once; `undefined` when there is none. Fails with `TREE_FILE_TOO_LARGE` beyond `maxBytes`. */
  readFile(path: ByteString, maxBytes: number): Buffer | undefined
  /** Where the bytes of a file lie, holes left out; a symlink at the end of the path is not followed. */
  extents(path: ByteString): readonly Extent[]
}

/** Sees a stack of layers (bottom first) as one tree; without layers its root is empty. The indexes are read as far as questions need them. */
export function openFileTree(layers: readonly LayerIndex[]): FileTree {
  return new StackTree(new LayerStack(layers))
}

/** Directories that are remembered by the path that led to them. */
const REMEMBERED = 10_000
const CHUNK = 256 << 10

class StackTree implements FileTree {
  readonly #stack: LayerStack
  readonly #directories: Map<string, Resolved> = new Map()

  constructor(stack: LayerStack) {
    this.#stack = stack
  }

  stat(path: ByteString): Entry | undefined {
    const found = this.#locate(path, false)
    return found.parts && this.#stack.entry(found.path, found.parts)
  }

  resolve(path: ByteString, options: { followLast?: boolean } = {}): ByteString {
    return this.#locate(path, options.followLast ?? true).path
  }

  list(directory: ByteString): Entry[] {
    if (this.#isNothing(directory)) return []
    const found = this.#directory(directory)
    return this.#stack
      .children(found.parts)
      .map(({ name, parts }) => this.#stack.entry(joinPath(found.path, name), parts))
  }

  *walk(directory: ByteString = '' as ByteString): Generator<Entry, void, void> {
    if (this.#isNothing(directory)) return
    const pending = this.#below(this.#directory(directory))
    for (let next = pending.pop(); next; next = pending.pop()) {
      yield this.#stack.entry(next.path, next.parts)
      if (next.parts[0].inode.kind === 'directory') pending.push(...this.#below(next))
    }
  }

  async *read(path: ByteString, range: ByteRange = { start: 0 }): Bytes {
    const { parts } = this.#file(path)
    const extents = this.#stack.extents(parts)
    const end = Math.min(range.end ?? Number.POSITIVE_INFINITY, parts[0].inode.size)
    const pace = createPacer()
    using reader = new SourceReader()
    for (let at = range.start; at < end; at += CHUNK) {
      const chunk = Buffer.allocUnsafe(Math.min(CHUNK, end - at))
      reader.read(extents, at, chunk)
      yield chunk
      await pace()
    }
  }

  readFile(path: ByteString, maxBytes: number): Buffer | undefined {
    const { parts } = this.#locate(path, true)
    if (parts?.[0].inode.kind !== 'file') return undefined
    const { size } = parts[0].inode
    if (size > maxBytes) {
      throw fail(
        'TREE_FILE_TOO_LARGE',
        `${quoteName(path)} has ${size} bytes, more than the ${maxBytes} expected of it`,
      )
    }
    const content = Buffer.allocUnsafe(size)
    using reader = new SourceReader()
    reader.read(this.#stack.extents(parts), 0, content)
    return content
  }

  extents(path: ByteString): readonly Extent[] {
    const { parts } = this.#locate(path, false)
    return parts?.[0].inode.kind === 'file' ? this.#stack.extents(parts) : []
  }

  /** The root of a stack without layers. */
  #isNothing(directory: ByteString): boolean {
    return this.#stack.root === undefined && directory === ''
  }

  /** Entries below a directory, last one first. */
  #below({ path, parts }: { path: ByteString; parts: Parts }): { path: ByteString; parts: Parts }[] {
    const children = this.#stack.children(parts).map(({ name, parts }) => ({ path: joinPath(path, name), parts }))
    return children.reverse()
  }

  #directory(path: ByteString): { path: ByteString; parts: Parts } {
    const { path: real, parts } = this.#locate(path, true)
    if (!parts) throw notFound(path, 'no such file or directory')
    if (parts[0].inode.kind !== 'directory') throw notFound(path, 'not a directory')
    return { path: real, parts }
  }

  #file(path: ByteString): { parts: Parts } {
    const { parts } = this.#locate(path, true)
    if (!parts) throw notFound(path, 'no such file or directory')
    if (parts[0].inode.kind !== 'file') throw notFound(path, 'not a regular file')
    return { parts }
  }

  /** Looks only at the last name when it lies in a directory that was asked for before. */
  #locate(path: ByteString, followLast: boolean): Resolved {
    const slash = path.lastIndexOf('/')
    const name = path.slice(slash + 1) as ByteString
    const directory = path.slice(0, Math.max(slash, 0)) as ByteString
    if (name === '' || name === '.' || name === '..') return resolvePath(this.#stack, path, followLast)
    const above = this.#remember(directory)
    const parts = above.parts?.[0].inode.kind === 'directory' ? this.#stack.child(above.parts, name) : undefined
    if (parts?.[0].inode.kind === 'symlink' && followLast) return resolvePath(this.#stack, path, followLast)
    return { path: joinPath(above.path, name), parts }
  }

  #remember(directory: ByteString): Resolved {
    const known = this.#directories.get(directory)
    if (known) return known
    if (this.#directories.size >= REMEMBERED) this.#directories.clear()
    const found = resolvePath(this.#stack, directory, true)
    this.#directories.set(directory, found)
    return found
  }
}

function notFound(path: ByteString, why: string): Error {
  return fail('TREE_NOT_FOUND', `${quoteName(path)}: ${why}`)
}
