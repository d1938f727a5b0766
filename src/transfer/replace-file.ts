import { randomBytes } from 'node:crypto'
import { type FileHandle, link, open, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { asBuffer, type Bytes, bytesOf, errnoOf, fail, messageOf, SlipwayError } from '../core/index.ts'

/** How the names of files begin that are not yet whole. */
export const TEMPORARY = '.unfinished-'

/**
 * Writes a file of a user's choosing, such as `-o FILE`. Where there is no file, or a regular one, the whole new one
 * takes its place at once; a device or pipe is written to. Fails with `COPY_FAILED`, and leaves what was there.
 */
export async function saveFile(target: string, content: Bytes, mode = 0o600): Promise<void> {
  try {
    const there = await stat(target).catch((error: unknown) => {
      if (errnoOf(error) !== 'ENOENT') throw error
    })
    if (!there || there.isFile()) return await replaceFile(target, content, mode)
    await using file = await open(target, 'w')
    await writeAll(file, content)
  } catch (error) {
    if (error instanceof SlipwayError) throw error
    throw fail('COPY_FAILED', `cannot write ${target}: ${messageOf(error)}`, { cause: error })
  }
}

/** Puts a whole new file in place of an old one: whoever looks sees the one or the other, also after a power failure. */
export async function replaceFile(target: string, content: Uint8Array | Bytes, mode = 0o644): Promise<void> {
  await putWhole(target, { content, mode }, rename)
}

/** Makes a file, whole, unless there is one; of several that do so at once, the first one's stays. */
export async function createFile(target: string, content: Uint8Array): Promise<void> {
  await putWhole(target, { content, mode: 0o644 }, async (temporary) => {
    await link(temporary, target).catch((error: unknown) => {
      if (errnoOf(error) !== 'EEXIST') throw error
    })
    await rm(temporary)
  })
}

async function putWhole(
  target: string,
  { content, mode }: { content: Uint8Array | Bytes; mode: number },
  place: (temporary: string, target: string) => Promise<void>,
): Promise<void> {
  const folder = path.dirname(target)
  const temporary = path.join(folder, TEMPORARY + randomBytes(8).toString('hex'))
  try {
    await using file = await open(temporary, 'wx', mode)
    await writeAll(file, content instanceof Uint8Array ? bytesOf(content) : content)
    await file.sync()
    await place(temporary, target)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await using directory = await open(folder, 'r')
  await directory.sync()
}

/** Small pieces are gathered into writes of this size. */
const GATHER = 1 << 20

async function writeAll(file: FileHandle, content: Bytes): Promise<void> {
  let pieces: Buffer[] = []
  let gathered = 0
  const flush = async (): Promise<void> => {
    if (gathered > 0) await file.appendFile(pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces, gathered))
    pieces = []
    gathered = 0
  }
  for await (const chunk of content) {
    pieces.push(asBuffer(chunk))
    gathered += chunk.length
    if (gathered >= GATHER) await flush()
  }
  await flush()
}
