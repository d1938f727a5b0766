import zlib from 'node:zlib'
import { SUPERBLOCK } from './format.ts'

/**
 * What Slipway itself wants to know about an index. It stands in the first 1,024 bytes, which EROFS leaves to others.
 */
export interface Stamp {
  /** Bytes of the archive that was indexed; 0 for a merged index. */
  tarSize: number
  /** Sum of the sizes of all files. */
  contentBytes: number
  /** Entries of the archive. */
  entries: number
  /** Whether the index holds only on top of certain lower layers. */
  needsParent: boolean
  /** Whether the root hides everything below the layer. */
  opaque: boolean
}

const MAGIC = 'slipway\0'
/** To be raised whenever older indexes must be made again. */
const VERSION = 1
const AT = { magic: 0, version: 8, checksum: 12, tarSize: 16, contentBytes: 24, entries: 32, flags: 40 } as const
const FLAG = { needsParent: 1, opaque: 2 } as const

/** Makes the first 1,024 bytes; `checksum` is the CRC-32 of all that follows them. */
export function encodeStamp(stamp: Stamp, checksum: number): Buffer {
  const bytes = Buffer.alloc(SUPERBLOCK)
  bytes.write(MAGIC, AT.magic, 'latin1')
  bytes.writeUInt32LE(VERSION, AT.version)
  bytes.writeBigUInt64LE(BigInt(stamp.tarSize), AT.tarSize)
  bytes.writeBigUInt64LE(BigInt(stamp.contentBytes), AT.contentBytes)
  bytes.writeBigUInt64LE(BigInt(stamp.entries), AT.entries)
  bytes.writeUInt32LE((stamp.needsParent ? FLAG.needsParent : 0) | (stamp.opaque ? FLAG.opaque : 0), AT.flags)
  bytes.writeUInt32LE(zlib.crc32(bytes, checksum), AT.checksum)
  return bytes
}

/** Reads the stamp of a whole index; gives a sentence that says what is wrong with it otherwise. */
export function decodeStamp(image: Buffer): Stamp | string {
  if (image.length < SUPERBLOCK) return 'it is too short'
  if (image.toString('latin1', 0, MAGIC.length) !== MAGIC) return 'it is no index of Slipway'
  const version = image.readUInt32LE(AT.version)
  if (version !== VERSION) return `it has version ${version}, not ${VERSION}`
  if (checksumOf(image) !== image.readUInt32LE(AT.checksum)) return 'its checksum is wrong'
  const flags = image.readUInt32LE(AT.flags)
  return {
    tarSize: Number(image.readBigUInt64LE(AT.tarSize)),
    contentBytes: Number(image.readBigUInt64LE(AT.contentBytes)),
    entries: Number(image.readBigUInt64LE(AT.entries)),
    needsParent: (flags & FLAG.needsParent) !== 0,
    opaque: (flags & FLAG.opaque) !== 0,
  }
}

function checksumOf(image: Buffer): number {
  const stamp = Buffer.from(image.subarray(0, SUPERBLOCK))
  stamp.writeUInt32LE(0, AT.checksum)
  return zlib.crc32(stamp, zlib.crc32(image.subarray(SUPERBLOCK)))
}
