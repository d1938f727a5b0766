import { createReadStream, rmSync } from 'node:fs'
import { type Bytes, bytesOf, hasCode, type Job, toByteString } from '../../core/index.ts'
import { decompress, indexLayer, openFileTree, openLayer, readTar } from '../../layer/index.ts'
import type { BuildSession } from '../session.ts'
import { openAt } from './open-at.ts'
import { type Selected, selectFiles } from './select.ts'
import type { FileBody } from './source.ts'
import { TreeSource } from './tree-source.ts'

/**
 * ADD unpacks local archives: a named file that is a tar, plain or compressed (told by its content, not its name), is
 * replaced by the archive's entries, to be placed below the destination. Everything else stays.
 */
export async function unpackArchives(
  selection: readonly Selected[],
  session: BuildSession,
  job: Job,
): Promise<Selected[]> {
  const result: Selected[] = []
  for (const selected of selection) {
    const isFile = selected.top && selected.entry.kind === 'file'
    const body = isFile ? selected.source.body(selected.entry) : undefined
    if (body && (await isArchive(body, job))) result.push(...(await entriesOf(body, session, job)))
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

async function entriesOf(body: FileBody, session: BuildSession, job: Job): Promise<Selected[]> {
  const files = session.store.layers.temporary(session.lease)
  const { bytes } = await decompress(bodyBytes(body))
  const written = await session.store.blobs.writeTemporary(bytes, session.lease, job)
  // names that begin with .wh. mean nothing special in an archive that is not a layer, and links to what is not in it
  // lead nowhere
  await indexLayer(written.path, files.index, { whiteouts: false, parent: openFileTree([]) }, job)
  const tree = openFileTree([openLayer(files.index, () => written.path)])
  rmSync(files.index)
  const source = new TreeSource(tree, 'in the archive')
  return selectFiles(source, '/').map((selected) => ({ ...selected, unpacked: true }))
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
