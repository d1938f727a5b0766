import type { ByteString, Digest } from '../../core/index.ts'
import type { DeviceNumber } from '../../host/index.ts'
import type { Attributes, EntryKind } from '../entry.ts'

/** A file on this host that holds the bytes of files in a tree. */
export interface DataSource {
  path: string
  /** Bytes. */
  size: number
  /** Set for a layer's tar, which an index can point into; not for bytes that live in an index. */
  diffId?: Digest | undefined
}

/** A stretch of a file's content, and where its bytes lie. What no extent covers reads as zeros. */
export interface Extent {
  /** Where in the file it belongs. */
  start: number
  length: number
  source: DataSource
  /** Where in the source it begins. */
  offset: number
}

/**
 * A file of any kind while its tree is being put together: an inode, so that hard links are the same node twice.
 * A class with all fields, always in the same order, because there may be a million.
 */
export class Node {
  /** `whiteout` hides what a lower layer has under the name. */
  kind: EntryKind | 'whiteout'
  mode: number
  uid: number
  gid: number
  seconds: number
  nanoseconds: number
  xattrs: ReadonlyMap<string, Uint8Array> | undefined
  /** Bytes of a regular file. */
  size = 0
  /** Where all of a regular file's content lies in one piece, as it does but for sparse files. */
  source: DataSource | undefined = undefined
  offset = 0
  /** Otherwise its stretches of data, in order, none touching its neighbour in the source. */
  stretches: readonly Extent[] | undefined = undefined
  link: ByteString | undefined = undefined
  device: DeviceNumber | undefined = undefined
  /** Present for directories only. */
  children: Map<ByteString, Node> | undefined = undefined
  /** A directory that hides the lower directory of the same name. */
  opaque = false
  /** A directory that no entry of its own describes. */
  implicit = false
  /** Set when the tree is laid out: counts from 1; and how many names lead here. */
  number = 0
  nlink = 0

  constructor(kind: EntryKind | 'whiteout', attributes: Attributes) {
    this.kind = kind
    this.mode = attributes.mode
    this.uid = attributes.uid
    this.gid = attributes.gid
    this.seconds = attributes.mtime.seconds
    this.nanoseconds = attributes.mtime.nanoseconds
    this.xattrs = attributes.xattrs
    if (kind === 'directory') this.children = new Map()
  }

  /** The stretches of data of a regular file. */
  get extents(): readonly Extent[] {
    if (this.source === undefined) return this.stretches ?? NO_EXTENTS
    return [{ start: 0, length: this.size, source: this.source, offset: this.offset }]
  }

  set extents(extents: readonly Extent[]) {
    const [first] = extents
    const isWhole = extents.length === 1 && first!.start === 0 && first!.length === this.size
    this.source = isWhole ? first!.source : undefined
    this.offset = isWhole ? first!.offset : 0
    this.stretches = isWhole ? undefined : extents
  }

  /** Takes over what describes another entry of the same kind. */
  describe(attributes: Attributes): void {
    this.mode = attributes.mode
    this.uid = attributes.uid
    this.gid = attributes.gid
    this.seconds = attributes.mtime.seconds
    this.nanoseconds = attributes.mtime.nanoseconds
    this.xattrs = attributes.xattrs
  }
}

const NO_EXTENTS: readonly Extent[] = []
const ROOT_OWNED: Attributes = { mode: 0o755, uid: 0, gid: 0, mtime: { seconds: 0, nanoseconds: 0 } }

/** A directory that only follows from the names below it. */
export function implicitDirectory(): Node {
  const node = new Node('directory', ROOT_OWNED)
  node.implicit = true
  return node
}

/** A whiteout. One for all of a tree's is enough. */
export function whiteoutNode(): Node {
  return new Node('whiteout', { ...ROOT_OWNED, mode: 0 })
}
