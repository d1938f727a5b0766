import { closeSync, fsyncSync, openSync } from 'node:fs'
import { type ByteString, digestHex, fail } from '../../core/index.ts'
import type { DataSource, Node } from '../tree/node.ts'
import { SourceReader } from '../tree/sources.ts'
import { type ChunkPlan, chunkSize, chunksOf } from './chunks.ts'
import { blockEnd, type DirectoryPlan, directorySize, writeDirectoryBlock } from './directory.ts'
import * as F from './format.ts'
import { chunkPlan, type DataShape, dataShape, type Layout, layOut } from './layout.ts'
import { Sink, writeAll } from './sink.ts'
import { encodeStamp, type Stamp } from './stamp.ts'

/** What an index is made of. */
export interface IndexContent {
  root: Node
  /** The archive it belongs to: the first device, even when nothing points into it. */
  own?: DataSource | undefined
  /** 32 hex digits. */
  uuid: string
  stamp: Pick<Stamp, 'tarSize' | 'entries' | 'needsParent'>
}

/** Bytes that are written at once; a copied chunk may be larger. */
const PIECE = 1 << 20

/**
 * Writes an EROFS image of a tree, whose files point into archives (the images's devices), and fsyncs it.
 * The same tree gives the same bytes. Returns the stamp it got.
 */
export function writeIndex(path: string, content: IndexContent): Stamp {
  const layout = layOut(content.root, content.own)
  const stamp: Stamp = {
    ...content.stamp,
    contentBytes: layout.order.reduce((sum, node) => sum + node.size, 0),
    opaque: content.root.opaque,
  }
  const fd = openSync(path, 'w', 0o600)
  try {
    const sink = new Sink(fd, F.SUPERBLOCK)
    writeSuperblock(sink, content, layout)
    writeDevices(sink, layout.devices)
    writeInodes(sink, layout)
    writeBlocks(sink, layout)
    sink.zerosTo(layout.size * F.BLOCK)
    sink.flush()
    writeAll(fd, encodeStamp(stamp, sink.checksum), 0)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  return stamp
}

function writeSuperblock(sink: Sink, content: IndexContent, layout: Layout): void {
  const rootNid = layout.places[0]! / F.INODE_UNIT
  if (rootNid > F.MAX_ROOT_NID) {
    throw fail('LAYER_LIMIT_EXCEEDED', `an index cannot point into ${layout.devices.length} layers`)
  }
  const at = sink.reserve(F.DEVICE_TABLE - F.SUPERBLOCK)
  const { buffer } = sink
  buffer.writeUInt32LE(F.MAGIC, at + F.SUPER.magic)
  buffer.writeUInt32LE(F.FEATURE_COMPAT_MTIME, at + F.SUPER.featureCompat)
  buffer[at + F.SUPER.blockBits] = F.BLOCK_BITS
  buffer.writeUInt16LE(rootNid, at + F.SUPER.rootNid)
  buffer.writeBigUInt64LE(BigInt(layout.order.length), at + F.SUPER.inodes)
  buffer.writeUInt32LE(layout.size, at + F.SUPER.blocks)
  buffer.write(content.uuid, at + F.SUPER.uuid, 'hex')
  buffer.writeUInt32LE(F.FEATURES_INCOMPAT, at + F.SUPER.featureIncompat)
  buffer.writeUInt16LE(layout.devices.length, at + F.SUPER.devices)
  buffer.writeUInt16LE(F.DEVICE_TABLE / F.DEVICE_SLOT, at + F.SUPER.deviceSlot)
}

function writeDevices(sink: Sink, devices: readonly DataSource[]): void {
  for (const device of devices) {
    const at = sink.reserve(F.DEVICE_SLOT)
    sink.buffer.write(digestHex(device.diffId!), at + F.DEVICE.tag, F.DEVICE_TAG_BYTES, 'latin1')
    sink.buffer.writeUInt32LE(Math.floor(device.size / F.BLOCK), at + F.DEVICE.blocks)
  }
}

function writeInodes(sink: Sink, layout: Layout): void {
  const slots = new Map(layout.devices.map((device, i) => [device, i + 1]))
  for (const node of layout.order) {
    sink.zerosTo(layout.places[node.number - 1]!)
    const plan = chunkPlan(node, layout)
    const shape = dataShape(node, layout)
    writeInode(sink, node, layout, plan ? F.LAYOUT.chunks : shape.layout)
    if (plan) writeChunks(sink, node, plan, slots, layout)
    else if (node.kind === 'symlink' && shape.tail > 0) writeLink(sink, node, shape, shape.fullBlocks * F.BLOCK)
    else if (node.kind === 'directory' && shape.tail > 0)
      writeLastNames(sink, layout.directories.get(node)!, shape, layout)
  }
}

function writeInode(sink: Sink, node: Node, layout: Layout, dataLayout: number): void {
  const xattrs = layout.xattrs.get(node)
  const at = sink.reserve(F.INODE_BYTES)
  const { buffer } = sink
  const hasTail = node.kind === 'directory' || node.kind === 'symlink'
  buffer.writeUInt16LE(
    1 | ((hasTail || dataLayout === F.LAYOUT.chunks ? dataLayout : F.LAYOUT.plain) << 1),
    at + F.INODE.format,
  )
  if (xattrs) buffer.writeUInt16LE(1 + (xattrs.length - F.XATTR_HEADER) / 4, at + F.INODE.xattrCount)
  buffer.writeUInt16LE(F.KINDS[node.kind].mode | node.mode, at + F.INODE.mode)
  buffer.writeBigUInt64LE(BigInt(sizeOf(node, layout)), at + F.INODE.size)
  buffer.writeUInt32LE(dataField(node, layout), at + F.INODE.data)
  buffer.writeUInt32LE(node.number, at + F.INODE.ino)
  buffer.writeUInt32LE(node.uid, at + F.INODE.uid)
  buffer.writeUInt32LE(node.gid, at + F.INODE.gid)
  buffer.writeBigInt64LE(BigInt(node.seconds), at + F.INODE.seconds)
  buffer.writeUInt32LE(node.nanoseconds, at + F.INODE.nanoseconds)
  buffer.writeUInt32LE(node.nlink, at + F.INODE.nlink)
  if (node.implicit) buffer[at + F.INODE.reserved] = F.INODE_IMPLICIT
  if (xattrs) sink.write(xattrs)
}

function sizeOf(node: Node, layout: Layout): number {
  const plan = layout.directories.get(node)
  return plan ? directorySize(plan) : (node.link?.length ?? node.size)
}

/** The field whose meaning depends on the kind: chunk format, device number, or first block of plain data. */
function dataField(node: Node, layout: Layout): number {
  const plan = chunkPlan(node, layout)
  if (plan) return F.CHUNK_INDEXES | plan.bits
  if (node.device) return packDevice(node.device.major, node.device.minor)
  return layout.blocks.get(node) ?? 0
}

/** Linux' 32-bit form of a device number (`new_encode_dev`). */
function packDevice(major: number, minor: number): number {
  return ((minor & 0xff) | (major << 8) | ((minor & ~0xff) << 12)) >>> 0
}

function writeChunks(sink: Sink, node: Node, plan: ChunkPlan, slots: Map<DataSource, number>, layout: Layout): void {
  sink.zerosTo(F.roundUp(sink.position, 8))
  const blocksPerChunk = chunkSize(plan) / F.BLOCK
  let copiedTo = layout.blocks.get(node) ?? 0
  for (const { start, extent, copied } of chunksOf(node, plan)) {
    const at = sink.reserve(F.CHUNK_ENTRY)
    if (extent) {
      sink.buffer.writeUInt16LE(slots.get(extent.source)!, at + 2)
      sink.buffer.writeUInt32LE((extent.offset + start - extent.start) / F.BLOCK, at + 4)
    } else if (copied) {
      sink.buffer.writeUInt32LE(copiedTo, at + 4)
      copiedTo += blocksPerChunk
    } else {
      sink.buffer.writeUInt16LE(0xffff, at)
      sink.buffer.writeUInt32LE(F.NO_BLOCK, at + 4)
    }
  }
}

function writeLink(sink: Sink, node: Node, shape: DataShape, from: number): void {
  sink.write(Buffer.from(node.link!.slice(from, from + (shape.tail || F.BLOCK)), 'latin1'))
}

function writeLastNames(sink: Sink, plan: DirectoryPlan, shape: DataShape, layout: Layout): void {
  let from = 0
  for (let i = 0; i < shape.fullBlocks; i++) from = blockEnd(plan.names, from)
  writeNames(sink, plan, { from, end: plan.names.length }, shape.tail, layout)
}

function writeNames(
  sink: Sink,
  plan: DirectoryPlan,
  range: { from: number; end: number },
  bytes: number,
  layout: Layout,
): void {
  const at = sink.reserve(bytes)
  writeDirectoryBlock(sink.buffer, at, plan.names, range, (name) => {
    const child = childOf(plan, name)
    return { nid: layout.places[child.number - 1]! / F.INODE_UNIT, type: F.KINDS[child.kind].type }
  })
}

function childOf(plan: DirectoryPlan, name: ByteString): Node {
  return name === '.' ? plan.node : name === '..' ? plan.parent : plan.node.children!.get(name)!
}

/** Data that did not fit behind its inode: of directories and symlinks, then the copied chunks of sparse files. */
function writeBlocks(sink: Sink, layout: Layout): void {
  for (const [node, block] of layout.blocks) {
    if (layout.chunks.has(node)) continue
    const { fullBlocks } = dataShape(node, layout)
    const plan = layout.directories.get(node)
    let from = 0
    for (let i = 0; i < fullBlocks; i++) {
      sink.zerosTo((block + i) * F.BLOCK)
      if (plan) {
        const end = blockEnd(plan.names, from)
        writeNames(sink, plan, { from, end }, F.BLOCK, layout)
        from = end
      } else sink.write(Buffer.from(node.link!.slice(i * F.BLOCK, (i + 1) * F.BLOCK), 'latin1'))
    }
  }
  writeCopies(sink, layout)
}

function writeCopies(sink: Sink, layout: Layout): void {
  using reader = new SourceReader()
  for (const [node, block] of layout.blocks) {
    const plan = layout.chunks.get(node)
    if (!plan) continue
    sink.zerosTo(block * F.BLOCK)
    const size = chunkSize(plan)
    for (const { start, copied } of chunksOf(node, plan)) {
      if (!copied) continue
      const end = sink.position + size
      for (let done = 0; done < size && start + done < node.size; done += PIECE) {
        const length = Math.min(PIECE, size - done, node.size - start - done)
        const at = sink.reserve(length)
        reader.read(node.extents, start + done, sink.buffer.subarray(at, at + length))
      }
      sink.zerosTo(end)
    }
  }
}
