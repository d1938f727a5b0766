import type { TarEntry } from '../tar/entry.ts'
import { refuse } from './path.ts'
import type { Warnings } from './warnings.ts'

/** Owners are 32 bits; the last value means "leave it" to Linux. */
const MAX_ID = 0xffff_fffe
/** The largest value that fits into an EROFS index. */
const MAX_XATTR_VALUE = 0xffff
const MAX_XATTR_NAME = 255
/** Types of entries that can have attributes beginning with `user.`; a hard link shows those of its file. */
const USER_XATTRS: ReadonlySet<string> = new Set(['file', 'directory', 'hardlink'])

/**
 * The entry with the attributes that a layer keeps of it. Extended attributes that would steer overlayfs, or that no
 * file system could hold, are left out with a warning. Fails with `LAYER_ENTRY_REFUSED` for owners Linux does not have.
 */
export function layerAttributes(entry: TarEntry, warnings: Warnings): TarEntry {
  if (!isId(entry.uid) || !isId(entry.gid)) {
    throw refuse(entry.name, `the owner ${entry.uid}:${entry.gid} is out of range`)
  }
  return entry.xattrs ? { ...entry, xattrs: keptXattrs(entry, warnings) } : entry
}

const isId = (id: number): boolean => id >= 0 && id <= MAX_ID

function keptXattrs(entry: TarEntry, warnings: Warnings): Map<string, Uint8Array> | undefined {
  const kept = new Map<string, Uint8Array>()
  for (const [name, value] of entry.xattrs!) {
    const why = whyDropped(name, value, entry)
    const what = `dropped the extended attribute ${JSON.stringify(name)}: ${why}`
    if (why === undefined) kept.set(name, value)
    else warnings.add('LAYER_XATTR_DROPPED', entry.name, what, name)
  }
  return kept.size > 0 ? kept : undefined
}

function whyDropped(name: string, value: Uint8Array, entry: TarEntry): string | undefined {
  if (isOverlayXattr(name)) return 'it belongs to overlayfs'
  const prefix = xattrNamespace(name)
  if (prefix === undefined) return 'its namespace is unknown'
  const isAcl = prefix === name
  if (!isAcl && (name.length === prefix.length || name.length > MAX_XATTR_NAME || name.includes('\0'))) {
    return 'its name is not possible'
  }
  if (value.length > MAX_XATTR_VALUE) return `its value is larger than ${MAX_XATTR_VALUE} bytes`
  if (prefix === 'user.' && !USER_XATTRS.has(entry.type)) {
    return 'only files and directories can have it'
  }
  return undefined
}

/** Whether overlayfs takes an attribute for its own, mounted by root or by a user. */
export function isOverlayXattr(name: string): boolean {
  return name.startsWith('trusted.overlay.') || name.startsWith('user.overlay.')
}

const ACLS = ['system.posix_acl_access', 'system.posix_acl_default']
const NAMESPACES = ['user.', 'trusted.', 'security.']

/** The part of an attribute's name that says what it is: a prefix, or the whole name of an ACL. */
export function xattrNamespace(name: string): string | undefined {
  return ACLS.includes(name) ? name : NAMESPACES.find((prefix) => name.startsWith(prefix))
}
