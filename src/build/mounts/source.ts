import { type ByteString, createPacer, type Digest, digestOf, type Job, toByteString } from '../../core/index.ts'
import { createLayerWriter, type LayerFiles, type LayerWriter } from '../../layer/index.ts'
import { chainId } from '../../oci/index.ts'
import { digestSelection } from '../files/digest.ts'
import { notFound, type Selected, selectEntry } from '../files/select.ts'
import type { FileSource } from '../files/source.ts'
import { TreeSource } from '../files/tree-source.ts'
import type { BuildSession } from '../session.ts'
import { diffIdsOf, type LocalValue } from '../values.ts'

const MEMO = 'mount-digests'

/**
 * Digest of what a mount shows of a value: what a cache key needs. That of a path of layers never changes and is
 * remembered. Fails with `COPY_SOURCE_MISSING` when there is nothing at the path.
 */
export async function sourceDigest(
  session: BuildSession,
  value: LocalValue,
  source: string,
  job: Job,
): Promise<string> {
  if (value.kind === 'files') {
    return digestSelection(selectSource(value.files, source), session.fileLists, job)
  }
  const diffIds = await diffIdsOf(value.layers)
  const key = digestOf(JSON.stringify([chainId(diffIds) ?? 'scratch', source]))
  const { memos, layers } = session.store
  const known = memos.getText(MEMO, key)
  if (known !== undefined) return known
  const tree = new TreeSource(await layers.tree(diffIds, job), 'in the stage')
  const digest = await digestSelection(selectSource(tree, source), session.fileLists, job)
  memos.set(MEMO, key, digest)
  return digest
}

/** What stands at a path, symlinks followed inside: a file, or a folder with everything below it. No patterns. */
export function selectSource(files: FileSource, source: string): Selected[] {
  const name = toByteString(source.slice(1))
  const entry = files.stat(files.resolve(name))
  // an image without layers has not even a root
  if (!entry && source === '/') return []
  if (!entry) throw notFound(files, source.slice(1))
  return selectEntry(files, entry, { name })
}

/** The one entry of a layer that `writeSource` makes. */
export const SOURCE_NAME = 'source'

/**
 * Writes what stands at a path of files as a layer that holds nothing else, below the name `SOURCE_NAME`. The layer is
 * not in the store: its files go with the session's lease.
 */
export async function writeSource(
  session: BuildSession,
  files: FileSource,
  source: string,
  job: Job,
): Promise<LayerFiles & { diffId: Digest }> {
  const target = session.store.layers.temporary(session.lease)
  const writer = createLayerWriter(target, {}, job)
  try {
    const pace = createPacer()
    for (const selected of selectSource(files, source)) {
      writeOne(writer, selected)
      const pause = pace()
      if (pause) await pause
    }
    return { ...target, diffId: writer.finish().diffId }
  } catch (error) {
    writer.abort()
    throw error
  }
}

function writeOne(writer: LayerWriter, { source, entry, name, top }: Selected): void {
  const at = (top ? SOURCE_NAME : `${SOURCE_NAME}/${name}`) as ByteString
  const { kind } = entry
  if (kind === 'directory') writer.directory(at, entry)
  else if (kind === 'file') writer.file(at, entry, source.body(entry))
  else if (kind === 'symlink') writer.symlink(at, entry, entry.link!)
  else if (kind === 'fifo') writer.fifo(at, entry)
  else writer.device(at, entry, kind, entry.device!)
}
