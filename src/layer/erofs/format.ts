/*
 * The parts of EROFS (include/uapi/linux/erofs_fs.h) that an index uses. Everything is little-endian.
 * Blocks are as large as tar's, so that a file's bytes can be where they lie in the archive.
 */

/** Bytes per block. */
export const BLOCK = 512
export const BLOCK_BITS = 9

/** The superblock begins here; what is before it is not EROFS's. */
export const SUPERBLOCK = 1024
export const SUPER = {
  magic: 0,
  featureCompat: 8,
  blockBits: 12,
  rootNid: 14,
  inodes: 16,
  blocks: 36,
  uuid: 48,
  featureIncompat: 80,
  devices: 86,
  deviceSlot: 88,
} as const
export const MAGIC = 0xe0f5e1e2
/** The modification time is valid. */
export const FEATURE_COMPAT_MTIME = 2
/** Chunked files, device table. */
export const FEATURES_INCOMPAT: number = 4 | 8

/** The device table; slots are of 128 bytes. */
export const DEVICE_TABLE = 1152
export const DEVICE_SLOT = 128
export const DEVICE = { tag: 0, blocks: 64 } as const
export const DEVICE_TAG_BYTES = 64

/** Inodes begin at multiples of this; their number (nid) counts in it, from the start of the image. */
export const INODE_UNIT = 32
/** The extended form. */
export const INODE_BYTES = 64
export const INODE = {
  format: 0,
  xattrCount: 2,
  mode: 4,
  size: 8,
  /** Chunk format, first block of plain data, or device number. */
  data: 16,
  ino: 20,
  uid: 24,
  gid: 28,
  seconds: 32,
  nanoseconds: 40,
  nlink: 44,
  /** Reserved by EROFS; the first byte holds our own flags. */
  reserved: 48,
} as const
/** The root's nid has 16 bits. */
export const MAX_ROOT_NID = 0xffff

/** How an inode's data is laid out; the format's first bit says "extended". */
export const LAYOUT = { plain: 0, inline: 2, chunks: 4 } as const
/** Longest tail that always finds a place behind an inode, within one block. */
export const MAX_TAIL = 480

/** Our own flag on a directory: no entry of the layer describes it. */
export const INODE_IMPLICIT = 1

export const CHUNK_INDEXES = 0x20
export const CHUNK_BITS = 0x1f
export const CHUNK_ENTRY = 8
export const NO_BLOCK = 0xffffffff

/** A directory entry without its name: nid, offset of the name in the block, type. */
export const DIRENT = 12

/** Bytes before the first extended attribute. */
export const XATTR_HEADER = 12
export const XATTR_ENTRY = 4

/** The file type bits of a mode, and the type in a directory entry. */
export const KINDS = {
  file: { mode: 0o100000, type: 1 },
  directory: { mode: 0o040000, type: 2 },
  char: { mode: 0o020000, type: 3 },
  block: { mode: 0o060000, type: 4 },
  fifo: { mode: 0o010000, type: 5 },
  symlink: { mode: 0o120000, type: 7 },
  // overlayfs takes a character device 0:0 for one.
  whiteout: { mode: 0o020000, type: 3 },
} as const
export const MODE_KIND = 0o170000

/** `value` made a multiple of `unit`, upwards. */
export function roundUp(value: number, unit: number): number {
  return Math.ceil(value / unit) * unit
}
