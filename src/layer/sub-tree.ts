import { type ByteString, fail } from '../core/index.ts'
import type { Entry } from './entry.ts'
import type { FileTree } from './file-tree.ts'
import { quoteName } from './limits.ts'
import { joinPath } from './tree/path.ts'

/** Files that can be gone through and read. */
export type Listing = Pick<FileTree, 'list' | 'walk' | 'read' | 'readFile'>

/**
 * What is at a path of a tree, under another name: `''` for the entries of a directory without itself. Symlinks on the
 * way are followed inside of the tree, the last one only with `follow`. Fails with `TREE_NOT_FOUND`.
 */
export function subTree(
  tree: FileTree,
  from: ByteString,
  { as, follow = false }: { as: ByteString; follow?: boolean },
): Listing {
  const top = tree.resolve(from, { followLast: follow || as === '' })
  const entry = tree.stat(top)
  if (!entry) throw fail('TREE_NOT_FOUND', `no such file or directory: ${quoteName(from)}`)
  const renamed = (each: Entry): Entry => {
    const below = top === '' ? each.path : (each.path.slice(top.length + 1) as ByteString)
    return { ...each, path: each.path === top ? as : joinPath(as, below) }
  }
  const original = (path: ByteString): ByteString => {
    if (path === as) return top
    return joinPath(top, (as === '' ? path : path.slice(as.length + 1)) as ByteString)
  }
  return {
    list: (path) => (path === '' && as !== '' ? [renamed(entry)] : tree.list(original(path)).map(renamed)),
    *walk() {
      if (as !== '') yield renamed(entry)
      if (entry.kind === 'directory') for (const each of tree.walk(top)) yield renamed(each)
    },
    read: (path, range) => tree.read(original(path), range),
    readFile: (path, maxBytes) => tree.readFile(original(path), maxBytes),
  }
}
