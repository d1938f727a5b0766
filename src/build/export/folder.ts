import { mkdirSync } from 'node:fs'
import { type ByteString, checkCanceled, createPacer, type Job, toByteString } from '../../core/index.ts'
import type { Listing, Timestamp } from '../../layer/index.ts'
import { exportFailed, FolderWriter, joinPath } from './folder-writer.ts'
import type { ExportedTree } from './tree-entries.ts'

/** How a folder on this machine is filled. */
export interface FolderExport {
  /** Its path; it is made when it is missing. */
  folder: string
  /** `delete`: what it holds beside the exported files is removed. */
  mode: 'copy' | 'delete'
}

const AT_START: Timestamp = { seconds: 0, nanoseconds: 0 }
const ROOT = '' as ByteString

/**
 * Writes file systems into a folder of this machine, over what is there; files belong to the caller, with modes, times,
 * hard links, symlinks and FIFOs as in the image. Nothing outside of the folder is touched, whatever names and symlinks the
 * image and the folder hold: folders are opened below it by the kernel (`openInRoot`), and the last name of a path is
 * never followed. Devices need root; without it they are left out with a warning. Fails with `EXPORT_FAILED`.
 */
export async function writeFolder(trees: readonly ExportedTree[], target: FolderExport, job: Job): Promise<void> {
  prepare(target.folder)
  const pace = createPacer()
  const folders: { path: ByteString; mode: number; mtime: Timestamp }[] = []
  using writer = new FolderWriter(target.folder, job)
  if (target.mode === 'delete') writer.keepOnly(ROOT, topNames(trees))
  for (const { prefix, tree, attached, epoch } of trees) {
    const top = toByteString(prefix)
    const fixed = epoch === undefined ? undefined : { seconds: epoch, nanoseconds: 0 }
    if (prefix !== '') {
      writer.makeFolder(top)
      folders.push({ path: top, mode: 0o755, mtime: fixed ?? AT_START })
      if (target.mode === 'delete') writer.keepOnly(top, namesIn(tree, ROOT, attached))
    }
    writer.begin()
    for (const entry of tree.walk()) {
      checkCanceled(job)
      await pace()
      const path = joinPath(top, entry.path)
      if (entry.kind === 'directory') {
        writer.makeFolder(path)
        folders.push({ path, mode: entry.mode, mtime: fixed ?? entry.mtime })
        if (target.mode === 'delete') writer.keepOnly(path, namesIn(tree, entry.path, []))
      } else await writer.makeFile(path, { ...entry, mtime: fixed ?? entry.mtime }, tree)
    }
    for (const { name, bytes } of attached)
      writer.makeAttached(joinPath(top, toByteString(name)), bytes, fixed ?? AT_START)
  }
  // a folder's time changes with every name in it, and its mode may forbid to write into it
  for (const folder of folders.reverse()) writer.finishFolder(folder)
}

function prepare(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    throw exportFailed(folder, error)
  }
}

function topNames(trees: readonly ExportedTree[]): Set<string> {
  return new Set(
    trees.flatMap(({ prefix, tree, attached }) =>
      prefix === '' ? [...namesIn(tree, ROOT, attached)] : [toByteString(prefix)],
    ),
  )
}

function namesIn(tree: Listing, folder: ByteString, attached: ExportedTree['attached']): Set<string> {
  const names = tree.list(folder).map(({ path }) => path.slice(path.lastIndexOf('/') + 1))
  return new Set([...names, ...attached.map(({ name }) => toByteString(name))])
}
