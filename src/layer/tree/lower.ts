import type { ByteString } from '../../core/index.ts'
import type { Entry } from '../entry.ts'
import type { Extent, Node } from './node.ts'
import { joinPath } from './path.ts'

/** What a layer's tree may have to ask the layers below it. A `FileTree` is one. */
export interface LowerTree {
  /** What a path leads to, the last name not followed. */
  stat(path: ByteString): Entry | undefined
  /** Where the content of a regular file lies. */
  extents(path: ByteString): readonly Extent[]
}

interface Visit {
  directory: Node
  path: ByteString
  /** Whether directories of lower layers may show through here, and whether they do as far as is known. */
  open: boolean
  merged: boolean
}

/**
 * Ends the building of a tree: directories without an entry of their own get the attributes of the lower directory
 * they merge with, as Docker's snapshots do; whiteouts that have nothing to hide go away.
 * Returns whether the lower layers matter to the result, known or not.
 */
export function settleDirectories(root: Node, lower: LowerTree | undefined): boolean {
  let matters = false
  if (root.implicit) describeFrom(root, lower?.stat('' as ByteString))
  const pending: Visit[] = [{ directory: root, path: '' as ByteString, open: !root.opaque, merged: !root.opaque }]
  for (let visit = pending.pop(); visit; visit = pending.pop()) {
    const { directory, path } = visit
    for (const [name, child] of directory.children!) {
      if (child.kind === 'whiteout' && !visit.open) directory.children!.delete(name)
      if (child.kind !== 'directory') continue
      const childPath = joinPath(path, name)
      const open = visit.open && !child.opaque
      const below = open && visit.merged ? lower?.stat(childPath) : undefined
      if (child.implicit && open) matters = true
      if (child.implicit) describeFrom(child, below)
      const merged = open && (lower === undefined || below?.kind === 'directory')
      pending.push({ directory: child, path: childPath, open, merged })
    }
  }
  return matters
}

function describeFrom(node: Node, entry: Entry | undefined): void {
  if (entry?.kind !== 'directory') return
  node.describe(entry)
  node.implicit = false
}
