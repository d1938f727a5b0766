import { TreeSource } from '../../../build/index.ts'
import type { Bytes, Job } from '../../../core/index.ts'
import { importLayer, openFileTree, openLayer, SNIFF_BYTES, sniffCompression } from '../../../layer/index.ts'
import type { Lease, Store } from '../../../store/index.ts'
import type { OpenContext } from './open-context.ts'

/** Of all files in an archive: what grows beyond is no build context. */
const LARGEST_CONTEXT = 64 * 2 ** 30
const BLOCK = 512

/**
 * An archive, plain or compressed, as a context. It is not unpacked: its plain tar lies in the lease's folder with an
 * index beside it, as a layer does. Owners and times are those of the archive. Fails with `TAR_INVALID` and the like.
 */
export async function openArchive(
  { store, lease }: { store: Store; lease: Lease },
  bytes: Bytes,
  { where, task }: { where: string; task: string },
  job: Job,
): Promise<OpenContext> {
  const files = store.layers.temporary(lease)
  // names that begin with .wh. mean nothing special in an archive that is not a layer, and links to what is not in it
  // lead nowhere
  const options = { whiteouts: false, parent: openFileTree([]), limits: { bytes: LARGEST_CONTEXT }, task }
  await importLayer(bytes, files, options, job)
  const tree = openFileTree([openLayer(files.index, () => files.tar)])
  const source = new TreeSource(tree, where)
  return {
    files: () => source,
    time() {
      let newest = 0
      for (const { mtime } of tree.walk()) newest = Math.max(newest, mtime.seconds)
      return newest
    },
  }
}

/** Whether bytes are an archive, by how they begin: compressed, or a tar header with the right checksum. */
export function isArchive(head: Uint8Array): boolean {
  return sniffCompression(head) !== 'none' || isTarHeader(head)
}

/** How many of the first bytes `isArchive` wants to see, when there are so many. */
export const ARCHIVE_HEAD: number = Math.max(SNIFF_BYTES, BLOCK)

/** The checksum is the sum of the header's bytes, those of its own field counted as spaces (pax, "ustar Interchange Format"). */
function isTarHeader(head: Uint8Array): boolean {
  if (head.length < BLOCK) return false
  const field = Buffer.from(head.subarray(148, 156))
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim()
  if (!/^[0-7]{1,8}$/.test(field)) return false
  let sum = 0
  for (let at = 0; at < BLOCK; at++) sum += at >= 148 && at < 156 ? 32 : head[at]!
  return sum === Number.parseInt(field, 8)
}

/** The first bytes of a stream, at least `count` unless it is shorter, and the whole stream. */
export async function peek(bytes: Bytes, count: number): Promise<{ head: Buffer; all: Bytes }> {
  const source = bytes[Symbol.asyncIterator]()
  const chunks: Uint8Array[] = []
  let length = 0
  while (length < count) {
    const { value, done } = await source.next()
    if (done) break
    chunks.push(value)
    length += value.length
  }
  return { head: Buffer.concat(chunks), all: resume(chunks, source) }
}

async function* resume(chunks: readonly Uint8Array[], source: AsyncIterator<Uint8Array>): Bytes {
  try {
    yield* chunks
    for (let next = await source.next(); !next.done; next = await source.next()) yield next.value
  } finally {
    await source.return?.()
  }
}
