import { type ByteString, fail } from '../../core/index.ts'
import { type LayerLimits, overLimit, quoteName } from '../limits.ts'
import type { TarEntry } from '../tar/entry.ts'
import { layerAttributes } from './attributes.ts'
import { Directories, type Place } from './directories.ts'
import { type LowerTree, settleDirectories } from './lower.ts'
import { makeNode, nodeFromLower } from './make-node.ts'
import { type DataSource, implicitDirectory, type Node, whiteoutNode } from './node.ts'
import { entryPath, refuse } from './path.ts'
import type { Warnings } from './warnings.ts'

/** How the entries of an archive become a tree. */
export interface TreeOptions {
  /** The archive that holds the contents. */
  source: DataSource
  /** Whether names that begin with `.wh.` are whiteouts, as in a layer. */
  whiteouts: boolean
  limits: LayerLimits
  /** The layers below, when they are known. */
  lower?: LowerTree | undefined
  warnings: Warnings
}

// Image spec, "Whiteouts"; the second prefix is what aufs kept beside the files.
const WHITEOUT = '.wh.'
const AUFS = '.wh..wh.'
const OPAQUE = '.wh..wh..opq'
/** About what a stretch of a sparse file takes. */
const SEGMENT_BYTES = 64

/** Whether a name cannot be the name of a file in a layer. */
export function isWhiteoutName(name: ByteString): boolean {
  return name.startsWith(WHITEOUT)
}

/**
 * Builds the tree of one layer from the entries of its archive, in their order: the last of several entries with the
 * same name counts; parents are made where they are missing; a symlink on the way to a name is followed inside of the
 * layer only; whiteouts hide what lower layers have, never what the same layer brings.
 */
export class TreeBuilder {
  readonly root: Node = implicitDirectory()
  /** Entries of the archive so far. */
  entries = 0
  readonly #options: TreeOptions
  readonly #directories: Directories
  readonly #whiteout: Node = whiteoutNode()
  /** Files that aufs kept, by path: only hard links want them. */
  readonly #aufs: Map<ByteString, Node> = new Map()
  /** Nodes for files of lower layers, by their inode there. */
  readonly #fromLower: Map<number, Node> = new Map()
  #linksToLower = false
  #nodes = 0
  #contentBytes = 0
  #metadataBytes = 0

  constructor(options: TreeOptions) {
    this.#options = options
    this.#directories = new Directories(this.root, options.limits, (entry) => this.#count(entry))
  }

  /**
   * Applies the next entry; `offset` is where its body lies in the source. Fails with `LAYER_ENTRY_REFUSED`,
   * `LAYER_LINK_BROKEN`, `LAYER_LIMIT_EXCEEDED` or `TAR_UNSUPPORTED`.
   */
  add(entry: TarEntry, offset: number): void {
    if (entry.flag === 'V') return
    this.entries++
    this.#count(entry.name)
    this.#weigh(entry)
    const place = this.#directories.sameDirectory(entry.name) ?? this.#newPlace(entry, offset)
    if (!place) return
    const { directory, name } = place
    if (this.#options.whiteouts && isWhiteoutName(name)) this.#addWhiteout(directory, name, entry)
    else {
      const node = entry.type === 'hardlink' ? this.#linkTarget(entry) : this.#makeNode(entry, offset)
      if (node) this.#put(directory, name, node)
    }
  }

  /** The place of an entry in the tree. It has none when it describes the root, or when it is aufs's own. */
  #newPlace(entry: TarEntry, offset: number): Place | undefined {
    const names = entryPath(entry.name, this.#options.limits)
    if (names.length > 0 && !this.#isHidden(names, entry.name)) return this.#directories.place(names, entry.name)
    if (names.length === 0) this.#describeRoot(entry)
    else if (entry.type === 'file') this.#aufs.set(names.join('/') as ByteString, this.#makeNode(entry, offset))
    return undefined
  }

  /** A file of this layer, a directory excepted. */
  find(path: ByteString): Node | undefined {
    const { node } = this.#directories.find(path)
    return node?.kind === 'directory' || node?.kind === 'whiteout' ? undefined : node
  }

  /** Ends the tree. Returns whether it depends on the layers below, be they known or not. */
  finish(): boolean {
    return settleDirectories(this.root, this.#options.lower) || this.#linksToLower
  }

  #put(directory: Node, name: ByteString, node: Node): void {
    const old = directory.children!.get(name)
    if (old && old.kind === 'directory' && node.kind === 'directory') {
      node.children = old.children
      node.opaque = old.opaque
    } else if (node.kind === 'directory') node.opaque = old?.kind === 'whiteout'
    if (old) this.#directories.forget()
    directory.children!.set(name, node)
  }

  #makeNode(entry: TarEntry, offset: number): Node {
    this.#contentBytes += entry.size
    const { source, limits, warnings } = this.#options
    if (this.#contentBytes > limits.bytes) {
      throw overLimit('bytes', entry.name, `files of ${this.#contentBytes} bytes in all`, limits.bytes)
    }
    return makeNode(entry, source, offset, warnings)
  }

  /** `undefined` when the target is not in this layer and the lower layers are not known. */
  #linkTarget(entry: TarEntry): Node | undefined {
    const { node, path } = this.#directories.find(entry.link)
    const target = node ?? this.#aufs.get(path)
    if (target?.kind === 'directory') throw refuse(entry.name, 'a hard link to a directory')
    if (target && target.kind !== 'whiteout') return target
    this.#linksToLower = true
    const { lower } = this.#options
    if (!lower) return undefined
    const found = lower.stat(path)
    if (!found || found.kind === 'directory') throw brokenLink(entry)
    const known =
      this.#fromLower.get(found.inode) ?? nodeFromLower(found, found.kind === 'file' ? lower.extents(path) : [])
    this.#fromLower.set(found.inode, known)
    return known
  }

  #addWhiteout(directory: Node, name: ByteString, entry: TarEntry): void {
    if (name === OPAQUE) directory.opaque = true
    if (name.startsWith(AUFS)) return
    const hidden = name.slice(WHITEOUT.length) as ByteString
    if (hidden === '' || hidden === '.' || hidden === '..') throw refuse(entry.name, 'a whiteout of nothing')
    const own = directory.children!.get(hidden)
    if (!own) directory.children!.set(hidden, this.#whiteout)
    else if (own.kind === 'directory') own.opaque = true
  }

  /** Whether an entry is aufs's own. Files below any other whiteout make no sense. */
  #isHidden(names: readonly ByteString[], entry: ByteString): boolean {
    if (!this.#options.whiteouts || !entry.includes(WHITEOUT)) return false
    const above = names.slice(0, -1).find(isWhiteoutName)
    if (above !== undefined && !above.startsWith(AUFS)) throw refuse(entry, 'a file below a whiteout')
    const name = names.at(-1)!
    return above !== undefined || (name.startsWith(AUFS) && name !== OPAQUE)
  }

  #describeRoot(entry: TarEntry): void {
    const { warnings } = this.#options
    if (entry.type === 'directory') {
      this.root.describe(layerAttributes(entry, warnings))
      this.root.implicit = false
    } else warnings.add('LAYER_ENTRY_IGNORED', entry.name, 'ignored: it stands for the root of the layer')
  }

  /** What an entry leaves in memory and in the index. */
  #weigh(entry: TarEntry): void {
    let bytes = Math.min(entry.name.length, 255) + entry.link.length + (entry.sparse?.length ?? 0) * SEGMENT_BYTES
    for (const [name, value] of entry.xattrs ?? []) bytes += name.length + value.length
    this.#metadataBytes += bytes
    const { metadataBytes } = this.#options.limits
    if (this.#metadataBytes > metadataBytes) {
      throw overLimit(
        'metadataBytes',
        entry.name,
        `names and attributes of ${this.#metadataBytes} bytes in all`,
        metadataBytes,
      )
    }
  }

  #count(entry: ByteString): void {
    const { entries } = this.#options.limits
    if (++this.#nodes > entries) throw overLimit('entries', entry, `entry number ${this.#nodes}`, entries)
  }
}

function brokenLink(entry: TarEntry): Error {
  return fail(
    'LAYER_LINK_BROKEN',
    `link ${quoteName(entry.link)} ${quoteName(entry.name)}: no such file or directory`,
    { hint: 'the target of a hard link must come before the link, in the same layer or in one below it.' },
  )
}
