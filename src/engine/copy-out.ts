import { lstatSync, statSync } from 'node:fs'
import path from 'node:path'
import { type ExportedTree, treeEntries, writeFolder } from '../build/index.ts'
import { type ByteString, type Bytes, fail, fromByteString, hasCode, type Job, toByteString } from '../core/index.ts'
import { type Entry, type FileTree, type Listing, subTree, writeTar } from '../layer/index.ts'
import type { Store } from '../store/index.ts'
import { openFiles } from './filesystem.ts'

/** Files of a container, an image or a build step, to be copied to this machine. */
export interface CopyOutRequest {
  name: string
  /** Absolute or from the root. A last component `.` means the content of a directory. */
  path: string
  /** A symlink at the end of the path is followed. */
  follow?: boolean
}

/**
 * Copies to `destination` as `docker cp` does: into it when it is a directory, else under its name. Files belong to the
 * caller. Nothing outside of it is touched, whatever links the image holds. Fails with `COPY_SOURCE_MISSING`,
 * `COPY_TARGET_INVALID` and `EXPORT_FAILED`.
 */
export async function copyOut(store: Store, request: CopyOutRequest, destination: string, job: Job): Promise<void> {
  using lease = store.lease()
  const { tree } = await openFiles(store, lease, request, job)
  const source = sourceOf(tree, request)
  const { folder, name } = placeFor(source, destination)
  const listing = subTree(tree, source.path, { as: toByteString(name), follow: request.follow ?? false })
  await writeFolder([exported(listing)], { folder, mode: 'copy' }, job)
}

/** The same as a tar, whose members begin with the last component of the path. */
export async function* copyOutTar(store: Store, request: CopyOutRequest, job: Job): Bytes {
  using lease = store.lease()
  const { tree } = await openFiles(store, lease, request, job)
  const { path: from, base } = sourceOf(tree, request)
  const listing = subTree(tree, from, { as: toByteString(base), follow: request.follow ?? false })
  yield* writeTar(treeEntries([exported(listing)], job), job)
}

const exported = (tree: Listing): ExportedTree => ({ prefix: '', tree, attached: [], epoch: undefined })

interface Source {
  path: ByteString
  entry: Entry
  /** Last component; empty for the content of a directory, and for the root. */
  base: string
  isContent: boolean
}

function sourceOf(tree: FileTree, { name, path: asked, follow }: CopyOutRequest): Source {
  const clean = toByteString(path.posix.resolve('/', asked).slice(1))
  const isContent = asked === '.' || asked.endsWith('/.')
  const wantsDirectory = isContent || asked.endsWith('/')
  const entry = statOf(tree, tree.resolve(clean, { followLast: follow || wantsDirectory }))
  if (!entry || (wantsDirectory && entry.kind !== 'directory')) {
    throw fail('COPY_SOURCE_MISSING', `Could not find the file ${asked} in ${name}`)
  }
  const base = isContent ? '' : path.posix.basename(`/${fromByteString(clean)}`)
  return { path: clean, entry, base, isContent }
}

function statOf(tree: FileTree, at: ByteString): Entry | undefined {
  try {
    return tree.stat(at)
  } catch (error) {
    if (hasCode(error, 'TREE_SYMLINK_LOOP')) return undefined
    throw error
  }
}

/** Docker's rules: into a directory that is there, else as the destination itself, whose parent must be there. */
function placeFor({ entry, base, isContent }: Source, destination: string): { folder: string; name: string } {
  const target = path.resolve(destination)
  const isDirectory = statSync(target, { throwIfNoEntry: false })?.isDirectory() ?? false
  if (isDirectory) return { folder: target, name: isContent ? '' : base }
  if (entry.kind === 'directory') {
    if (lstatSync(target, { throwIfNoEntry: false })) throw invalid('cannot copy directory', destination)
    if (!isFolder(path.dirname(target)))
      throw invalid('invalid output path: no such directory', path.dirname(destination))
    return { folder: target, name: '' }
  }
  if (destination.endsWith('/') || !isFolder(path.dirname(target))) {
    throw invalid('invalid output path: no such directory', destination)
  }
  return { folder: path.dirname(target), name: path.basename(target) }
}

const isFolder = (folder: string): boolean => statSync(folder, { throwIfNoEntry: false })?.isDirectory() ?? false

function invalid(problem: string, place: string): Error {
  return fail('COPY_TARGET_INVALID', `${problem}: ${place}`)
}
