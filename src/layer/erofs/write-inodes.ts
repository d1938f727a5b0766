import type { Steps } from '../steps.ts'
import type { DataSource, Node } from '../tree/node.ts'
import { type ChunkPlan, chunkSize, chunksOf } from './chunks.ts'
import { blockEnd, directorySize, writeDirectoryBlock } from './directory.ts'
import * as F from './format.ts'
import { childTarget, chunkPlan, dataShape, type Layout } from './layout.ts'
import type { Sink } from './sink.ts'

/** Writes the inodes, each with what stands behind it: attributes, chunk indexes, or the tail of its data. */
export function* writeInodes(sink: Sink, layout: Layout): Steps<void> {
  const slots = new Map(layout.devices.map((device, i) => [device, i + 1]))
  for (const node of layout.order) {
    if (node.number % 256 === 0) yield
    sink.zerosTo(layout.places[node.number - 1]!)
    const plan = chunkPlan(node, layout)
    if (plan) {
      writeInode(sink, node, layout, { layout: F.LAYOUT.chunks, size: node.size, data: F.CHUNK_INDEXES | plan.bits })
      writeChunks(sink, node, plan, slots, layout)
    } else if (node.kind === 'directory') writeDirectory(sink, node, layout)
    else if (node.kind === 'symlink') writeSymlink(sink, node, layout)
    else writeInode(sink, node, layout, { layout: F.LAYOUT.plain, size: 0, data: packDevice(node) })
  }
}

/** The fields that depend on how the data is laid out; `data` is a chunk format, a block or a device number. */
interface DataFields {
  layout: number
  size: number
  data: number
}

function writeInode(sink: Sink, node: Node, layout: Layout, fields: DataFields): void {
  const xattrs = layout.xattrs.get(node)
  const at = sink.reserve(F.INODE_BYTES)
  const { buffer } = sink
  buffer.writeUInt16LE(1 | (fields.layout << 1), at + F.INODE.format)
  if (xattrs) buffer.writeUInt16LE(1 + (xattrs.length - F.XATTR_HEADER) / 4, at + F.INODE.xattrCount)
  buffer.writeUInt16LE(F.KINDS[node.kind].mode | node.mode, at + F.INODE.mode)
  buffer.writeBigUInt64LE(BigInt(fields.size), at + F.INODE.size)
  buffer.writeUInt32LE(fields.data, at + F.INODE.data)
  buffer.writeUInt32LE(node.number, at + F.INODE.ino)
  buffer.writeUInt32LE(node.uid, at + F.INODE.uid)
  buffer.writeUInt32LE(node.gid, at + F.INODE.gid)
  buffer.writeBigInt64LE(BigInt(node.seconds), at + F.INODE.seconds)
  buffer.writeUInt32LE(node.nanoseconds, at + F.INODE.nanoseconds)
  buffer.writeUInt32LE(node.nlink, at + F.INODE.nlink)
  if (node.implicit) buffer[at + F.INODE.reserved] = F.INODE_IMPLICIT
  if (xattrs) sink.write(xattrs)
}

/** Linux' 32-bit form of a device number (`new_encode_dev`); 0 for what is no device. */
function packDevice({ device }: Node): number {
  if (!device) return 0
  return ((device.minor & 0xff) | (device.major << 8) | ((device.minor & ~0xff) << 12)) >>> 0
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

function writeSymlink(sink: Sink, node: Node, layout: Layout): void {
  const link = node.link!
  const shape = dataShape(node, layout)
  writeInode(sink, node, layout, { layout: shape.layout, size: link.length, data: layout.blocks.get(node) ?? 0 })
  if (shape.tail > 0) sink.write(Buffer.from(link.slice(shape.fullBlocks * F.BLOCK), 'latin1'))
}

function writeDirectory(sink: Sink, node: Node, layout: Layout): void {
  const plan = layout.directories.get(node)!
  const shape = dataShape(node, layout)
  writeInode(sink, node, layout, {
    layout: shape.layout,
    size: directorySize(plan),
    data: layout.blocks.get(node) ?? 0,
  })
  if (shape.tail === 0) return
  let from = 0
  for (let i = 0; i < shape.fullBlocks; i++) from = blockEnd(plan.names, from)
  const range = { from, end: plan.names.length }
  writeDirectoryBlock(sink.buffer, sink.reserve(shape.tail), plan.names, range, childTarget(plan, layout))
}
