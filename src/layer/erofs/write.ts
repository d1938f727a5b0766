import { closeSync, fsyncSync, openSync, rmSync } from 'node:fs'
import { digestHex, fail } from '../../core/index.ts'
import type { Steps } from '../steps.ts'
import type { DataSource, Node } from '../tree/node.ts'
import { writeAll } from '../write-all.ts'
import * as F from './format.ts'
import { type Layout, layOut } from './layout.ts'
import { Sink } from './sink.ts'
import { encodeStamp, type Stamp } from './stamp.ts'
import { writeBlocks } from './write-blocks.ts'
import { writeInodes } from './write-inodes.ts'

/** What an index is made of. */
export interface IndexContent {
  root: Node
  /** The archive it belongs to: the first device, even when nothing points into it. */
  own?: DataSource | undefined
  /** 32 hex digits. */
  uuid: string
  stamp: Pick<Stamp, 'tarSize' | 'entries' | 'needsParent'>
}

/**
 * Writes an EROFS image of a tree, whose files point into archives (the images's devices), and fsyncs it.
 * The same tree gives the same bytes. Returns the stamp it got.
 */
export function* writeIndex(path: string, content: IndexContent): Steps<Stamp> {
  const layout = yield* layOut(content.root, content.own)
  const stamp: Stamp = {
    ...content.stamp,
    contentBytes: layout.order.reduce((sum, node) => sum + node.size, 0),
    opaque: content.root.opaque,
  }
  const fd = openSync(path, 'w', 0o600)
  let complete = false
  try {
    const sink = new Sink(fd, F.SUPERBLOCK)
    writeSuperblock(sink, content, layout)
    writeDevices(sink, layout.devices)
    yield* writeInodes(sink, layout)
    yield* writeBlocks(sink, layout)
    sink.zerosTo(layout.size * F.BLOCK)
    sink.flush()
    writeAll(fd, encodeStamp(stamp, sink.checksum), 0)
    fsyncSync(fd)
    complete = true
    return stamp
  } finally {
    closeSync(fd)
    if (!complete) rmSync(path, { force: true })
  }
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
