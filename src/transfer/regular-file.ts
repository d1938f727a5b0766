import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { type ByteRange, type Bytes, checkCanceled, collectBytes, errnoOf, fail, type Job } from '../core/index.ts'

/** Bytes that are read at a time. */
const CHUNK = 1 << 20

/** How to open a file of foreign origin. */
export interface OpenRegular {
  /** A symbolic link is refused: what it leads to was not put there by whoever made the folder. */
  readonly noLinks?: boolean
}

/**
 * Opens a file of foreign origin for reading: a pipe or device does not hang or do anything, it is refused.
 * `undefined` when it is not there.
 */
export async function openRegularFile(
  path: string,
  { noLinks = false }: OpenRegular = {},
): Promise<{ file: FileHandle; size: number } | undefined> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (noLinks ? constants.O_NOFOLLOW : 0)
  const file = await open(path, flags).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT' || errnoOf(error) === 'ENOTDIR') return undefined
    if (errnoOf(error) === 'ELOOP') throw fail('LAYOUT_INVALID', `${path} is not a regular file`)
    throw error
  })
  if (!file) return undefined
  const stats = await file.stat()
  if (stats.isFile()) return { file, size: stats.size }
  await file.close()
  throw fail('LAYOUT_INVALID', `${path} is not a regular file`)
}

/** Bytes of an open file, from `start` up to `end` or its end. The file stays open. */
export async function* readFrom(file: FileHandle, { start, end }: ByteRange, job: Job): Bytes {
  const stop = end ?? Number.POSITIVE_INFINITY
  for (let at = start; at < stop; ) {
    checkCanceled(job)
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, stop - at))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) return
    at += bytesRead
    yield buffer.subarray(0, bytesRead)
  }
}

/** A small file, whole; `undefined` when it is not there, and an error when it is larger than `limit`. */
export async function readSmallFile(
  path: string,
  limit: number,
  job: Job,
  options: OpenRegular = {},
): Promise<Buffer | undefined> {
  const opened = await openRegularFile(path, options)
  if (!opened) return undefined
  try {
    return await collectBytes(readFrom(opened.file, { start: 0 }, job), limit, () =>
      fail('FILE_TOO_LARGE', `${path} is larger than ${limit} bytes`),
    )
  } finally {
    await opened.file.close()
  }
}
