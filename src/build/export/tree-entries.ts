import { type ByteString, bytesOf, checkCanceled, type Job, toByteString } from '../../core/index.ts'
import type { Entry, Listing, TarInput, TarSource } from '../../layer/index.ts'

/** A file system as an output without layers: a folder on this machine, or a tar. */
export interface ExportedTree {
  /** Folder of the output in which it lies; '' for the output itself. */
  prefix: string
  tree: Listing
  /** Files beside its own, in its root. */
  attached: readonly { name: string; bytes: Uint8Array }[]
  /** Seconds since 1970: the time of all files; their own when missing. */
  epoch: number | undefined
}

/** Files of up to so many bytes are read at once: most are. */
const SMALL = 256 << 10
const AT_START = { seconds: 0, nanoseconds: 0 }

/** Members of a tar: each folder before what it holds, hard links after the file they mean; the root itself is none. */
export async function* treeEntries(trees: readonly ExportedTree[], job: Job): AsyncGenerator<TarSource> {
  for (const exported of trees) {
    const { prefix, tree, attached, epoch } = exported
    const mtime = epoch === undefined ? AT_START : { seconds: epoch, nanoseconds: 0 }
    const own = { uid: 0, gid: 0, mtime }
    if (prefix !== '') yield { entry: { ...own, name: toByteString(prefix), type: 'directory', mode: 0o755 } }
    const links = new Map<number, ByteString>()
    for (const entry of tree.walk()) {
      checkCanceled(job)
      yield member(exported, entry, links)
    }
    for (const { name, bytes } of attached) {
      const entry: TarInput = { ...own, name: within(prefix, name), type: 'file', mode: 0o644, size: bytes.length }
      yield { entry, body: bytesOf(bytes) }
    }
  }
}

/** Cut to whole seconds, as layers have them: two archives of one image are then the same. */
function member({ prefix, tree, epoch }: ExportedTree, entry: Entry, links: Map<number, ByteString>): TarSource {
  const { path, kind, mode, uid, gid, xattrs, inode, nlink, size, link, device } = entry
  const name = within(prefix, path)
  const mtime = { seconds: epoch ?? entry.mtime.seconds, nanoseconds: 0 }
  const common = { name, mode, uid, gid, mtime, ...(xattrs ? { xattrs } : {}) }
  const first = kind !== 'directory' && nlink > 1 ? links.get(inode) : undefined
  if (first !== undefined) return { entry: { ...common, type: 'hardlink', link: first } }
  if (nlink > 1) links.set(inode, name)
  if (kind === 'file') {
    const body = size <= SMALL ? bytesOf(tree.readFile(path, SMALL)!) : tree.read(path)
    return { entry: { ...common, type: 'file', size }, body }
  }
  return { entry: { ...common, type: kind, ...(link === undefined ? {} : { link }), ...(device ? { device } : {}) } }
}

function within(prefix: string, path: string): ByteString {
  return (prefix === '' ? path : `${toByteString(prefix)}/${path}`) as ByteString
}
