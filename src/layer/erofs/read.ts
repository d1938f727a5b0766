import { readFileSync } from 'node:fs'
import { type ByteString, byteStringFromBuffer, type Digest, fail, isDigest, messageOf } from '../../core/index.ts'
import type { DeviceNumber } from '../../host/index.ts'
import type { EntryKind } from '../entry.ts'
import * as F from './format.ts'
import { decodeStamp, type Stamp } from './stamp.ts'
import { decodeXattrs, OPAQUE_XATTR } from './xattr.ts'

/** An inode of an index. */
export interface Inode {
  /** Its number: its place in the image, in units of 32 bytes. */
  nid: number
  kind: EntryKind
  /** 07777. */
  mode: number
  uid: number
  gid: number
  seconds: number
  nanoseconds: number
  nlink: number
  /** Bytes of content; of a directory, of its list of names. */
  size: number
  device: DeviceNumber
  /** A character device 0:0. */
  isWhiteout: boolean
  /** A directory that no entry of the layer describes. */
  isImplicit: boolean
  layout: number
  /** What the field `data` says: chunk format or first block. */
  data: number
  xattrBytes: number
}

/** A name in a directory. */
export interface Dirent {
  name: ByteString
  nid: number
}

/** A stretch of a file: in one of the devices (counted from 1), or in the index itself (0). */
export interface ChunkRun {
  start: number
  length: number
  device: number
  offset: number
}

const KIND_OF_MODE: ReadonlyMap<number, EntryKind> = new Map(
  (['file', 'directory', 'char', 'block', 'fifo', 'symlink'] as const).map((kind) => [F.KINDS[kind].mode, kind]),
)

/**
 * Reads an index that `writeIndex` made, out of memory. Nothing is parsed before it is asked for, and everything is
 * checked when it is: a damaged index gives `LAYER_INDEX_INVALID`, which means "make it again".
 */
export class IndexImage {
  readonly path: string
  readonly stamp: Stamp
  /** DiffIds of the archives it points into, in the order of their slots. */
  readonly devices: readonly { diffId: Digest; size: number }[]
  readonly root: number
  readonly #bytes: Buffer

  constructor(path: string, bytes: Buffer) {
    this.path = path
    this.#bytes = bytes
    const stamp = decodeStamp(bytes)
    if (typeof stamp === 'string') throw invalidIndex(path, stamp)
    this.stamp = stamp
    this.#need(F.SUPERBLOCK, F.DEVICE_TABLE - F.SUPERBLOCK)
    if (bytes.readUInt32LE(F.SUPERBLOCK) !== F.MAGIC || bytes[F.SUPERBLOCK + F.SUPER.blockBits] !== F.BLOCK_BITS) {
      throw this.#invalid('it has no superblock')
    }
    this.root = bytes.readUInt16LE(F.SUPERBLOCK + F.SUPER.rootNid)
    this.devices = this.#readDevices()
    if (this.inode(this.root).kind !== 'directory') throw this.#invalid('its root is no directory')
  }

  /** Reads an inode. */
  inode(nid: number): Inode {
    const at = nid * F.INODE_UNIT
    this.#need(at, F.INODE_BYTES)
    const bytes = this.#bytes
    const [format, xattrCount, mode] = [bytes.readUInt16LE(at), bytes.readUInt16LE(at + 2), bytes.readUInt16LE(at + 4)]
    const kind = KIND_OF_MODE.get(mode & F.MODE_KIND)
    const layout = (format >> 1) & 7
    if (kind === undefined || (format & 1) === 0) throw this.#invalid(`it has no inode ${nid}`)
    const data = bytes.readUInt32LE(at + F.INODE.data)
    return {
      nid,
      kind,
      mode: mode & 0o7777,
      uid: bytes.readUInt32LE(at + F.INODE.uid),
      gid: bytes.readUInt32LE(at + F.INODE.gid),
      seconds: Number(bytes.readBigInt64LE(at + F.INODE.seconds)),
      nanoseconds: bytes.readUInt32LE(at + F.INODE.nanoseconds),
      nlink: bytes.readUInt32LE(at + F.INODE.nlink),
      size: Number(bytes.readBigUInt64LE(at + F.INODE.size)),
      device: kind === 'char' || kind === 'block' ? unpackDevice(data) : NO_DEVICE,
      isWhiteout: kind === 'char' && data === 0,
      isImplicit: (bytes[at + F.INODE.reserved]! & F.INODE_IMPLICIT) !== 0,
      layout,
      data,
      xattrBytes: xattrCount === 0 ? 0 : F.XATTR_HEADER + (xattrCount - 1) * 4,
    }
  }

  /** What a name in a directory leads to. Directories stand behind the one they are in, so there can be no circles. */
  child(directory: Inode, nid: number): Inode {
    const inode = this.inode(nid)
    if (inode.kind === 'directory' && nid <= directory.nid) throw this.#invalid('its directories run in a circle')
    return inode
  }

  /** The extended attributes of an inode, those of overlayfs included; `undefined` when it has none. */
  xattrs(inode: Inode): Map<string, Buffer> | undefined {
    if (inode.xattrBytes === 0) return undefined
    const at = inode.nid * F.INODE_UNIT + F.INODE_BYTES
    this.#need(at, inode.xattrBytes)
    const found = decodeXattrs(this.#bytes.subarray(at, at + inode.xattrBytes))
    if (!found) throw this.#invalid(`inode ${inode.nid} has bad attributes`)
    return found
  }

  /** Whether a directory hides what lower layers have under its name. */
  isOpaque(directory: Inode): boolean {
    return this.xattrs(directory)?.has(OPAQUE_XATTR) ?? false
  }

  /** Where a symlink points. */
  link(inode: Inode): ByteString {
    if (inode.size > 4096) throw this.#invalid(`inode ${inode.nid} is no symlink`)
    const parts: string[] = []
    for (let i = 0; i * F.BLOCK < inode.size; i++) {
      const { at, length } = this.#dataBlock(inode, i)
      parts.push(byteStringFromBuffer(this.#bytes, at, at + length))
    }
    return parts.join('') as ByteString
  }

  /** The inode number behind a name of a directory. */
  lookup(directory: Inode, name: ByteString): number | undefined {
    let [low, high] = [0, Math.ceil(directory.size / F.BLOCK)]
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#block(directory, middle).name(0) <= name) low = middle
      else high = middle
    }
    return low < high ? this.#block(directory, low).find(name) : undefined
  }

  /** The names of a directory in byte order, without `.` and `..`. */
  names(directory: Inode): Dirent[] {
    const found: Dirent[] = []
    for (let i = 0; i * F.BLOCK < directory.size; i++) {
      const block = this.#block(directory, i)
      for (let k = 0; k < block.count; k++) {
        const name = block.name(k)
        if (name !== '.' && name !== '..') found.push({ name, nid: block.nid(k) })
      }
    }
    return found
  }

  /** Where the content of a regular file lies; holes are left out. Neighbours are made one. */
  chunks(inode: Inode): ChunkRun[] {
    const runs: ChunkRun[] = []
    if (inode.size === 0) return runs
    const size = F.BLOCK * 2 ** (inode.data & F.CHUNK_BITS)
    const count = Math.ceil(inode.size / size)
    const table = F.roundUp(inode.nid * F.INODE_UNIT + F.INODE_BYTES + inode.xattrBytes, F.CHUNK_ENTRY)
    if (inode.layout !== F.LAYOUT.chunks) throw this.#invalid(`inode ${inode.nid} is no file`)
    this.#need(table, count * F.CHUNK_ENTRY)
    for (let i = 0; i < count; i++) {
      const at = table + i * F.CHUNK_ENTRY
      const block = this.#bytes.readUInt32LE(at + 4)
      if (block === F.NO_BLOCK) continue
      const length = Math.min(size, inode.size - i * size)
      this.#addRun(runs, { start: i * size, length, device: this.#bytes.readUInt16LE(at + 2), offset: block * F.BLOCK })
    }
    return runs
  }

  #addRun(runs: ChunkRun[], run: ChunkRun): void {
    const last = runs.at(-1)
    if (run.device > this.devices.length) throw this.#invalid(`it has no device ${run.device}`)
    if (
      last &&
      last.device === run.device &&
      last.start + last.length === run.start &&
      last.offset + last.length === run.offset
    ) {
      last.length += run.length
    } else runs.push(run)
  }

  #block(directory: Inode, index: number): DirectoryBlock {
    const { at, length } = this.#dataBlock(directory, index)
    return new DirectoryBlock(this.#bytes, at, length, this.path)
  }

  /** A block of data of a directory or symlink, and how much of it is in use. */
  #dataBlock(inode: Inode, index: number): { at: number; length: number } {
    const blocks = Math.ceil(inode.size / F.BLOCK)
    const length = index < blocks - 1 ? F.BLOCK : inode.size - (blocks - 1) * F.BLOCK
    const inline = inode.layout === F.LAYOUT.inline && index === blocks - 1
    const behind = inode.nid * F.INODE_UNIT + F.INODE_BYTES + inode.xattrBytes
    const at = inline ? behind : (inode.data + index) * F.BLOCK
    this.#need(at, length)
    return { at, length }
  }

  #readDevices(): { diffId: Digest; size: number }[] {
    const count = this.#bytes.readUInt16LE(F.SUPERBLOCK + F.SUPER.devices)
    this.#need(F.DEVICE_TABLE, count * F.DEVICE_SLOT)
    return Array.from({ length: count }, (_, i) => {
      const at = F.DEVICE_TABLE + i * F.DEVICE_SLOT
      const diffId = `sha256:${this.#bytes.toString('latin1', at, at + F.DEVICE_TAG_BYTES)}`
      if (!isDigest(diffId)) throw this.#invalid(`device ${i + 1} has no digest`)
      return { diffId, size: this.#bytes.readUInt32LE(at + F.DEVICE.blocks) * F.BLOCK }
    })
  }

  #need(at: number, length: number): void {
    if (!(at >= 0 && length >= 0 && at + length <= this.#bytes.length))
      throw this.#invalid('it points outside of itself')
  }

  #invalid(why: string): Error {
    return invalidIndex(this.path, why)
  }
}

const NO_DEVICE: DeviceNumber = { major: 0, minor: 0 }

function unpackDevice(data: number): DeviceNumber {
  return { major: (data >> 8) & 0xfff, minor: (data & 0xff) | ((data >>> 12) & 0xfff00) }
}

/** One block of a directory: entries, then the names they point to. */
class DirectoryBlock {
  readonly count: number
  readonly #bytes: Buffer
  readonly #at: number
  readonly #length: number
  readonly #path: string

  constructor(bytes: Buffer, at: number, length: number, path: string) {
    const firstName = length >= F.DIRENT ? bytes.readUInt16LE(at + 8) : 0
    if (firstName < F.DIRENT || firstName > length || firstName % F.DIRENT !== 0) {
      throw invalidIndex(path, 'a directory is damaged')
    }
    this.#bytes = bytes
    this.#at = at
    this.#length = length
    this.#path = path
    this.count = firstName / F.DIRENT
  }

  nid(index: number): number {
    return this.#bytes.readUInt32LE(this.#at + index * F.DIRENT)
  }

  name(index: number): ByteString {
    const entry = this.#at + index * F.DIRENT
    const start = this.#bytes.readUInt16LE(entry + 8)
    const end = index + 1 < this.count ? this.#bytes.readUInt16LE(entry + F.DIRENT + 8) : this.#length
    if (start > end || end > this.#length) throw invalidIndex(this.#path, 'a directory is damaged')
    const name = byteStringFromBuffer(this.#bytes, this.#at + start, this.#at + end)
    // The last name of a block that is not the directory's last is followed by zeros.
    const zero = name.indexOf('\0')
    return zero < 0 ? name : (name.slice(0, zero) as ByteString)
  }

  find(name: ByteString): number | undefined {
    let [low, high] = [0, this.count]
    while (low < high) {
      const middle = (low + high) >> 1
      const found = this.name(middle)
      if (found === name) return this.nid(middle)
      if (found < name) low = middle + 1
      else high = middle
    }
    return undefined
  }
}

/** Reads an index file whole. Fails with `LAYER_INDEX_INVALID` when it is missing, damaged or of another version. */
export function readIndex(path: string): IndexImage {
  let bytes: Buffer
  try {
    bytes = readFileSync(path)
  } catch (cause) {
    throw invalidIndex(path, messageOf(cause), cause)
  }
  return new IndexImage(path, bytes)
}

function invalidIndex(path: string, why: string, cause?: unknown): Error {
  return fail('LAYER_INDEX_INVALID', `the layer index ${path} cannot be used: ${why}`, {
    cause,
    data: { path },
    hint: 'it is made again from the layer when it is missing.',
  })
}
