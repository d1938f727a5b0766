import { createReadStream, rmSync } from 'node:fs'
import path from 'node:path'
import { type ByteString, type Bytes, bytesOf, type Digest, hasCode, type Job, toByteString } from '../../core/index.ts'
import {
  decompress,
  type FileTree,
  indexLayer,
  type LowerTree,
  openFileTree,
  openLayer,
  readTar,
} from '../../layer/index.ts'
import type { BuildSession } from '../session.ts'
import { openAt } from './open-at.ts'
import { type Selected, selectFiles } from './select.ts'
import type { FileBody } from './source.ts'
import { TreeSource } from './tree-source.ts'

/** Where archives are unpacked. */
export interface Unpacking {
  session: BuildSession
  /** The file system below. */
  parent: FileTree
  /** Absolute, as `CopyOp` has it. */
  dest: string
}

/**
 * ADD unpacks archives: a named file that is `wanted` and a tar, plain or compressed (told by its content, not its
 * name), is replaced by the archive's entries, to be placed below the destination. Everything else stays. A hard link
 * to a file that is not in the archive means the one that is there already, which comes along.
 */
export async function unpackArchives(
  selection: readonly Selected[],
  wanted: (selected: Selected) => boolean,
  unpacking: Unpacking,
  job: Job,
): Promise<Selected[]> {
  const result: Selected[] = []
  for (const selected of selection) {
    const isFile = selected.top && selected.entry.kind === 'file' && wanted(selected)
    const body = isFile ? selected.source.body(selected.entry) : undefined
    if (body && (await isArchive(body, job))) result.push(...(await entriesOf(body, unpacking, job)))
    else result.push(selected)
  }
  return result
}

/** Whether the first entry of a tar can be read, through whatever compression. */
async function isArchive(body: FileBody, job: Job): Promise<boolean> {
  try {
    const { bytes } = await decompress(bodyBytes(body))
    for await (const _member of readTar(bytes, {}, job)) return true
    return false
  } catch (error) {
    if (hasCode(error, 'TAR_INVALID', 'COMPRESSION_INVALID', 'LAYER_LIMIT_EXCEEDED')) return false
    throw error
  }
}

async function entriesOf(body: FileBody, unpacking: Unpacking, job: Job): Promise<Selected[]> {
  const { store, lease } = unpacking.session
  const files = store.layers.temporary(lease)
  const { bytes } = await decompress(bodyBytes(body))
  const written = await store.blobs.writeTemporary(bytes, lease, job)
  const below = filesBelow(unpacking)
  // names that begin with .wh. mean nothing special in an archive that is not a layer
  const summary = await indexLayer(written.path, files.index, { whiteouts: false, parent: below }, job)
  const blobPath = (diffId: Digest): string => (diffId === summary.diffId ? written.path : store.blobs.path(diffId))
  const tree = openFileTree([openLayer(files.index, blobPath)])
  rmSync(files.index)
  const source = new TreeSource(tree, 'in the archive')
  const entries = selectFiles(source, '/').map((selected) => ({ ...selected, unpacked: true }))
  if (below.asked.size === 0) return entries
  const links = await linksTo(below.asked, createReadStream(written.path), job)
  return [...entries.map((selected) => joinedLink(selected, links)), ...copiedUp(source, links)]
}

/** The files that links of an archive may name, and those that they did. Folders of the archive are its own. */
function filesBelow({ parent, dest }: Unpacking): LowerTree & { asked: Set<ByteString> } {
  const folder = parent.resolve(toByteString(dest))
  const inDest = (name: ByteString): ByteString => (folder === '' ? name : (`${folder}/${name}` as ByteString))
  const asked = new Set<ByteString>()
  return {
    asked,
    stat(name) {
      const entry = parent.stat(inDest(name))
      if (!entry || entry.kind === 'directory') return undefined
      asked.add(name)
      return entry
    },
    extents: (name) => parent.extents(inDest(name)),
  }
}

/** Which of these names the archive links to, and one name in the archive for each. */
async function linksTo(names: ReadonlySet<ByteString>, bytes: Bytes, job: Job): Promise<Map<ByteString, ByteString>> {
  const links = new Map<ByteString, ByteString>()
  const clean = (name: ByteString): ByteString => path.posix.join('/', name).slice(1).replace(/\/$/, '') as ByteString
  for await (const { entry } of readTar(bytes, {}, job)) {
    const target = clean(entry.link)
    if (entry.type === 'hardlink' && names.has(target)) links.set(target, clean(entry.name))
  }
  return links
}

/** A link that is the only name of its file in the archive has another one now. */
function joinedLink(selected: Selected, links: ReadonlyMap<ByteString, ByteString>): Selected {
  const isLink = selected.entry.nlink === 1 && [...links.values()].includes(selected.name)
  return isLink ? { ...selected, entry: { ...selected.entry, nlink: 2 } } : selected
}

/** The files below that the archive links to, each as one more name of the link. */
function copiedUp(source: TreeSource, links: ReadonlyMap<ByteString, ByteString>): Selected[] {
  return [...links].flatMap(([target, name]) => {
    const entry = source.stat(name)
    if (!entry || source.stat(target)) return []
    const linked = { ...entry, nlink: Math.max(2, entry.nlink) }
    return [{ source, entry: linked, name: target, top: false, unpacked: true, copiedUp: true }]
  })
}

/** The content of a file, as a stream. */
export function bodyBytes(body: FileBody): Bytes {
  if ('tree' in body) return body.tree.read(body.path)
  if ('bytes' in body) return bytesOf(body.bytes)
  const { hostPath, exact } = body
  const options = { highWaterMark: 1 << 20 }
  if (!exact) return createReadStream(hostPath, options)
  return createReadStream(hostPath, { ...options, fd: openAt(hostPath, toByteString(String(hostPath))) })
}
