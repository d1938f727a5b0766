import type { ByteString } from '../../core/index.ts'
import type { DeviceNumber } from '../../host/index.ts'
import type { Attributes, EntryKind } from '../entry.ts'

/** Bytes per tar block: headers, and the unit that bodies are padded to. */
export const TAR_BLOCK = 512

/** What a tar entry is. `other` stands for types that no file system has, such as volume labels. */
export type TarType = EntryKind | 'hardlink' | 'other'

/** A stretch of data in a sparse file. What no segment covers reads as zeros. */
export interface SparseSegment {
  /** Where in the file it belongs. */
  start: number
  length: number
  /** Where it lies in the entry's stored body. */
  offset: number
}

/** One entry of a tar archive, with its PAX and GNU extensions applied. */
export interface TarEntry extends Attributes {
  /** As it is written: it may be absolute, climb with `..` or end in a slash. */
  name: ByteString
  type: TarType
  /** The type as the header says it: `0`, `5`, `S`. */
  flag: string
  /** Bytes of the file; with the holes, when it is sparse. */
  size: number
  /** Target of a symlink or hard link. */
  link: ByteString
  /** Of a character or block device. */
  device: DeviceNumber
  /** Present when the body holds only these stretches of the file, in order. */
  sparse?: SparseSegment[] | undefined
  /** The records of the PAX header that belongs to this entry. */
  pax?: ReadonlyMap<string, Buffer> | undefined
}
