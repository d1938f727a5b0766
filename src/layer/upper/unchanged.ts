import { closeSync, openSync, readSync } from 'node:fs'
import type { ByteString } from '../../core/index.ts'
import type { Attributes, Entry } from '../entry.ts'
import type { FileTree } from '../file-tree.ts'
import { SourceReader } from '../tree/sources.ts'
import type { UpperEntry } from './entry.ts'

const CHUNK = 1 << 20

/** Whether a directory is as it is below; its time counts for nothing, as everything in it that changes sets it. */
export function isSameDirectory(upper: UpperEntry, lower: Entry): boolean {
  return lower.kind === 'directory' && sameAttributes(upper.attributes, lower)
}

/**
 * Whether a file in the upper directory is the one below: overlayfs copies a file up when it is opened for writing,
 * even when nothing is written. Compares contents when all else is equal.
 */
export function isSameFile(upper: UpperEntry, hostPath: string | Buffer, lower: Entry, tree: FileTree): boolean {
  if (upper.kind !== lower.kind || upper.nlink > 1 || !sameAttributes(upper.attributes, lower)) return false
  const [a, b] = [upper.attributes.mtime, lower.mtime]
  if (a.seconds !== b.seconds || a.nanoseconds !== b.nanoseconds) return false
  if (upper.link !== lower.link) return false
  if (upper.device?.major !== lower.device?.major || upper.device?.minor !== lower.device?.minor) return false
  if (upper.kind !== 'file') return true
  return upper.size === lower.size && (upper.metacopy || sameContent(hostPath, lower, tree))
}

function sameAttributes(upper: Attributes, lower: Entry): boolean {
  const isLink = lower.kind === 'symlink'
  return (
    (isLink || upper.mode === lower.mode) &&
    upper.uid === lower.uid &&
    upper.gid === lower.gid &&
    sameXattrs(upper.xattrs, lower.xattrs)
  )
}

function sameXattrs(a: Attributes['xattrs'], b: Attributes['xattrs']): boolean {
  if ((a?.size ?? 0) !== (b?.size ?? 0)) return false
  for (const [name, value] of a ?? []) {
    const other = b!.get(name)
    if (other === undefined || Buffer.compare(value, other) !== 0) return false
  }
  return true
}

function sameContent(hostPath: string | Buffer, lower: Entry, tree: FileTree): boolean {
  const extents = tree.extents(lower.path)
  const [ours, theirs] = [
    Buffer.allocUnsafe(Math.min(CHUNK, lower.size)),
    Buffer.allocUnsafe(Math.min(CHUNK, lower.size)),
  ]
  using reader = new SourceReader()
  const fd = openSync(hostPath, 'r')
  try {
    for (let at = 0; at < lower.size; ) {
      const read = readSync(fd, ours, 0, Math.min(CHUNK, lower.size - at), at)
      if (read === 0) return false
      reader.read(extents, at, theirs.subarray(0, read))
      if (ours.compare(theirs, 0, read, 0, read) !== 0) return false
      at += read
    }
    return true
  } finally {
    closeSync(fd)
  }
}

/** Where a lower path is, for a redirect of overlayfs: absolute, or a name in the same directory. */
export function redirectedPath(redirect: ByteString, directory: ByteString | undefined): ByteString | undefined {
  if (redirect.startsWith('/')) return redirect.slice(1) as ByteString
  if (directory === undefined) return undefined
  return (directory === '' ? redirect : `${directory}/${redirect}`) as ByteString
}
