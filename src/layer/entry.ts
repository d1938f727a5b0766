import type { ByteString } from '../core/index.ts'
import type { DeviceNumber } from '../host/index.ts'

/** What a name in a file tree stands for. Sockets have no place in a layer. */
export type EntryKind = 'file' | 'directory' | 'symlink' | 'char' | 'block' | 'fifo'

/** A point in time; `nanoseconds` counts forward from `seconds`, also before 1970. */
export interface Timestamp {
  seconds: number
  /** 0 to 999,999,999. */
  nanoseconds: number
}

/** What every kind of entry carries beside its name. */
export interface Attributes {
  /** Permission bits, set-id bits and sticky bit: 07777. */
  mode: number
  uid: number
  gid: number
  mtime: Timestamp
  /** Full name (`security.capability`, latin1) to value. */
  xattrs?: ReadonlyMap<string, Uint8Array> | undefined
}

/** One name in a file tree. Two entries of the same tree with equal `inode` are hard links of one another. */
export interface Entry extends Attributes {
  /** From the root, without a leading slash; the root itself is the empty string. */
  path: ByteString
  kind: EntryKind
  /** Bytes of a regular file, holes included; 0 for everything else. */
  size: number
  /** Where a symlink points, as it is written. */
  link?: ByteString
  /** The numbers of a character or block device. */
  device?: DeviceNumber
  inode: number
  nlink: number
}
