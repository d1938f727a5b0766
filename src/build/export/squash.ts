import { type ByteString, checkCanceled, createPacer, type Digest, type Job } from '../../core/index.ts'
import { createLayerWriter, type Entry, type FileTree, type LayerWriter, openFileTree } from '../../layer/index.ts'
import { chainId } from '../../oci/index.ts'
import type { LayerRecord, Lease, Store } from '../../store/index.ts'
import { rememberedLayer } from './remembered.ts'

/**
 * One layer that does to the layers of `base` what all of `layers` together do: what they add and change, and whiteouts
 * for what they take away. What a layer adds and a later one removes is in none. Both stacks are bottom first, `layers`
 * without those of the base.
 */
export async function squashLayers(
  store: Store,
  stack: { base: readonly Digest[]; layers: readonly Digest[] },
  lease: Lease,
  job: Job,
): Promise<LayerRecord> {
  const { base, layers } = stack
  const content = { base: chainId(base) ?? 'scratch', layers: [...layers] }
  return rememberedLayer(store, lease, { operation: { kind: 'squash' }, content }, async () => {
    const below = base.length > 0 ? await store.layers.tree(base, job) : openFileTree([])
    const above = await store.layers.tree([...base, ...layers], job)
    const files = store.layers.temporary(lease)
    using writer = createLayerWriter(files, {}, job)
    await writeDifference(writer, below, above, job)
    return store.layers.adopt(files, writer.finish(), lease)
  })
}

async function writeDifference(writer: LayerWriter, below: FileTree, above: FileTree, job: Job): Promise<void> {
  const pace = createPacer()
  const groups = linkGroups(above)
  const written = new Map<number, ByteString>()
  writeRoot(writer, below, above)
  for (const entry of above.walk()) {
    checkCanceled(job)
    await pace()
    const group = groups.get(entry.inode)
    const changed = group
      ? group.some((path) => differs(below, above, above.stat(path)!))
      : differs(below, above, entry)
    if (changed) write(writer, above, entry, written)
  }
  for (const path of removed(below, above)) writer.whiteout(path)
}

function writeRoot(writer: LayerWriter, below: FileTree, above: FileTree): void {
  const [before, after] = [below.stat('' as ByteString), above.stat('' as ByteString)]
  if (after && before && !sameAttributes(before, after)) writer.directory('' as ByteString, after)
}

/** Names of one file travel together: a hard link can only point into its own layer. */
function linkGroups(tree: FileTree): Map<number, ByteString[]> {
  const groups = new Map<number, ByteString[]>()
  for (const { kind, nlink, inode, path } of tree.walk()) {
    if (kind === 'directory' || nlink < 2) continue
    const group = groups.get(inode)
    if (group) group.push(path)
    else groups.set(inode, [path])
  }
  return groups
}

function differs(below: FileTree, above: FileTree, after: Entry): boolean {
  const before = below.stat(after.path)
  if (!before || before.kind !== after.kind || !sameAttributes(before, after)) return true
  if (after.kind === 'directory') return false
  if (before.size !== after.size || before.link !== after.link || before.nlink !== after.nlink) return true
  if (before.device?.major !== after.device?.major || before.device?.minor !== after.device?.minor) return true
  return after.kind === 'file' && !sameBytes(below.extents(after.path), above.extents(after.path))
}

function sameAttributes(a: Entry, b: Entry): boolean {
  if (a.mode !== b.mode || a.uid !== b.uid || a.gid !== b.gid) return false
  if (a.mtime.seconds !== b.mtime.seconds || a.mtime.nanoseconds !== b.mtime.nanoseconds) return false
  const [left, right] = [a.xattrs ?? new Map(), b.xattrs ?? new Map()]
  if (left.size !== right.size) return false
  for (const [name, value] of left) if (Buffer.compare(value, right.get(name) ?? Buffer.from('\0')) !== 0) return false
  return true
}

/** The same place in the same layer. */
function sameBytes(a: ReturnType<FileTree['extents']>, b: ReturnType<FileTree['extents']>): boolean {
  return (
    a.length === b.length &&
    a.every((extent, at) => {
      const other = b[at]!
      const here = extent.offset === other.offset && extent.start === other.start && extent.length === other.length
      return here && extent.source.path === other.source.path
    })
  )
}

function write(writer: LayerWriter, tree: FileTree, entry: Entry, written: Map<number, ByteString>): void {
  const { path, kind, inode } = entry
  const isLinked = kind !== 'directory' && entry.nlink > 1
  const first = isLinked ? written.get(inode) : undefined
  if (isLinked && first === undefined) written.set(inode, path)
  if (first !== undefined) writer.hardlink(path, first)
  else if (kind === 'directory') writer.directory(path, entry)
  else if (kind === 'file') writer.file(path, entry, { tree, path })
  else if (kind === 'symlink') writer.symlink(path, entry, entry.link!)
  else if (kind === 'fifo') writer.fifo(path, entry)
  else writer.device(path, entry, kind, entry.device!)
}

/** What is gone, the topmost of it: what was below a folder that is gone or no folder any more goes with it. */
function* removed(below: FileTree, above: FileTree): Generator<ByteString> {
  const pending: ByteString[] = ['' as ByteString]
  for (let folder = pending.pop(); folder !== undefined; folder = pending.pop()) {
    for (const { path, kind } of below.stat(folder) ? below.list(folder) : []) {
      const now = above.stat(path)
      if (!now) yield path
      else if (kind === 'directory' && now.kind === 'directory') pending.push(path)
    }
  }
}
