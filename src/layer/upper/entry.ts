import { type BigIntStats, lstatSync, readlinkSync } from 'node:fs'
import { type ByteString, byteStringFromBuffer } from '../../core/index.ts'
import { type DeviceNumber, listXattrs, unpackDevice } from '../../host/index.ts'
import type { Attributes, EntryKind } from '../entry.ts'
import { isOverlayXattr } from '../tree/attributes.ts'

/** What lies in the upper directory of an overlay under one name. */
export interface UpperEntry {
  kind: EntryKind | 'whiteout' | 'socket'
  attributes: Attributes
  size: number
  nlink: number
  /** The same for hard links of one another. */
  identity: string
  link?: ByteString
  device?: DeviceNumber
  /** A directory that hides the lower one. */
  opaque: boolean
  /** A directory that was renamed, or a file whose content is elsewhere: where it was, as overlayfs writes it. */
  redirect: ByteString | undefined
  /** A file that was only described anew: its content is still in the lower layer. */
  metacopy: boolean
}

/** Reads what one name in an upper directory stands for. */
export function readUpperEntry(path: string | Buffer): UpperEntry {
  const stat = lstatSync(path, { bigint: true })
  const kind = kindOf(stat)
  const xattrs = kind === 'whiteout' ? undefined : listXattrs(path)
  const entry: UpperEntry = {
    kind,
    attributes: { ...attributesOf(stat), xattrs: xattrs && keptXattrs(xattrs) },
    size: Number(stat.size),
    nlink: Number(stat.nlink),
    identity: `${stat.dev}:${stat.ino}`,
    opaque: overlayMark(xattrs, 'opaque')?.toString('latin1') === 'y',
    redirect: overlayPath(overlayMark(xattrs, 'redirect')),
    metacopy: overlayMark(xattrs, 'metacopy') !== undefined,
  }
  if (kind === 'symlink') entry.link = byteStringFromBuffer(readlinkSync(path, { encoding: 'buffer' }))
  if (kind === 'char' || kind === 'block') entry.device = unpackDevice(stat.rdev)
  return entry
}

function kindOf(stat: BigIntStats): UpperEntry['kind'] {
  if (stat.isFile()) return 'file'
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  if (stat.isCharacterDevice()) return stat.rdev === 0n ? 'whiteout' : 'char'
  if (stat.isBlockDevice()) return 'block'
  return stat.isFIFO() ? 'fifo' : 'socket'
}

const BILLION = 1_000_000_000n

function attributesOf(stat: BigIntStats): Attributes {
  const nanoseconds = ((stat.mtimeNs % BILLION) + BILLION) % BILLION
  return {
    mode: Number(stat.mode & 0o7777n),
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    mtime: { seconds: Number((stat.mtimeNs - nanoseconds) / BILLION), nanoseconds: Number(nanoseconds) },
  }
}

function overlayMark(xattrs: Map<string, Buffer> | undefined, name: string): Buffer | undefined {
  return xattrs?.get(`trusted.overlay.${name}`) ?? xattrs?.get(`user.overlay.${name}`)
}

function overlayPath(value: Buffer | undefined): ByteString | undefined {
  return value && byteStringFromBuffer(value)
}

/**
 * The attributes that belong to the file. Those of overlayfs, and labels that this host's security modules put on
 * everything, do not.
 */
function keptXattrs(xattrs: Map<string, Buffer>): Map<string, Buffer> | undefined {
  const kept = [...xattrs].filter(([name]) => {
    const isLabel = name.startsWith('security.') && name !== 'security.capability'
    return !isLabel && !isOverlayXattr(name)
  })
  return kept.length > 0 ? new Map(kept) : undefined
}
