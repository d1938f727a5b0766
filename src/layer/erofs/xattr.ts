import { xattrNamespace } from '../tree/attributes.ts'
import type { Node } from '../tree/node.ts'
import { XATTR_ENTRY, XATTR_HEADER } from './format.ts'

/** The number that stands for a namespace; the rest of the name follows. */
const PREFIXES: Record<string, number> = {
  'user.': 1,
  'system.posix_acl_access': 2,
  'system.posix_acl_default': 3,
  'trusted.': 4,
  'security.': 6,
}
const NAMES: ReadonlyMap<number, string> = new Map(Object.entries(PREFIXES).map(([prefix, index]) => [index, prefix]))

export const OPAQUE_XATTR = 'trusted.overlay.opaque'
/**
 * Its presence, even empty, makes overlayfs look for whiteouts when it lists a directory that it does not merge;
 * without it the names that were deleted show up (Linux commit b79e05aaa166).
 */
export const ORIGIN_XATTR = 'trusted.overlay.origin'

/** Everything between an inode and its data, empty when it has no extended attributes. */
export function encodeXattrs(node: Node, holdsWhiteout: boolean): Buffer {
  if (node.xattrs === undefined && !node.opaque && !holdsWhiteout) return NONE
  const entries: Buffer[] = [Buffer.alloc(XATTR_HEADER)]
  const sorted = [...(node.xattrs ?? [])].sort(([a], [b]) => (a < b ? -1 : 1))
  for (const [name, value] of sorted) entries.push(encodeEntry(name, value))
  if (node.opaque) entries.push(encodeEntry(OPAQUE_XATTR, Buffer.from('y')))
  if (holdsWhiteout) entries.push(encodeEntry(ORIGIN_XATTR, NONE))
  return Buffer.concat(entries)
}
const NONE = Buffer.alloc(0)

function encodeEntry(name: string, value: Uint8Array): Buffer {
  const prefix = xattrNamespace(name)!
  const suffix = name.slice(prefix.length)
  const entry = Buffer.alloc((XATTR_ENTRY + suffix.length + value.length + 3) & ~3)
  entry[0] = suffix.length
  entry[1] = PREFIXES[prefix]!
  entry.writeUInt16LE(value.length, 2)
  entry.write(suffix, XATTR_ENTRY, 'latin1')
  entry.set(value, XATTR_ENTRY + suffix.length)
  return entry
}

/** Reads what `encodeXattrs` wrote, or `undefined` when it cannot be that. */
export function decodeXattrs(area: Buffer): Map<string, Buffer> | undefined {
  const found = new Map<string, Buffer>()
  for (let at = XATTR_HEADER; at < area.length; ) {
    if (at + XATTR_ENTRY > area.length) return undefined
    const [nameLength, valueLength] = [area[at]!, area.readUInt16LE(at + 2)]
    const prefix = NAMES.get(area[at + 1]!)
    const value = at + XATTR_ENTRY + nameLength
    if (prefix === undefined || value + valueLength > area.length) return undefined
    found.set(prefix + area.toString('latin1', at + XATTR_ENTRY, value), area.subarray(value, value + valueLength))
    at = (value + valueLength + 3) & ~3
  }
  return found
}
