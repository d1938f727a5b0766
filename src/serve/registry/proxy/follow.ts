import { type FileHandle, open } from 'node:fs/promises'
import type { ServerResponse } from 'node:http'
import type { SendRange } from '../extensions.ts'
import { beginBlob } from '../protocol/blobs.ts'
import type { Exchange } from '../protocol/exchange.ts'
import type { Download } from './download.ts'

const CHUNK = 1 << 18

/**
 * Answers a request for a blob, or a range of it, while it is still on its way. Fails when the download does: the
 * connection must be broken off then, and since the last byte of a blob waits for its digest, nobody takes it for whole.
 */
export async function followDownload(exchange: Exchange, download: Download): Promise<void> {
  // the file may be moved to its place, or removed, at any time: who has it open is not concerned
  await using file = await open(download.path, 'r')
  const range = beginBlob(exchange, download.descriptor)
  if (range) exchange.blobBytes = await sendGrowing(exchange.response, download, { file, ...range })
}

async function sendGrowing(
  response: ServerResponse,
  download: Download,
  { file, start, end }: SendRange & { file: FileHandle },
): Promise<number> {
  let at = start
  while (at < end && !response.destroyed) {
    if (download.readable <= at) await download.more(at)
    const buffer = Buffer.allocUnsafe(Math.min(CHUNK, end - at, download.readable - at))
    const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
    if (bytesRead === 0) throw new Error(`${download.path} is shorter than it should be`)
    at += bytesRead
    // who is gone never drains
    if (!response.write(buffer.subarray(0, bytesRead)) && !response.destroyed) await drained(response)
  }
  if (!response.destroyed) response.end()
  return at - start
}

/** Resolves when the reader has taken what was written, or is gone. */
function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off('drain', done)
      response.off('close', done)
      resolve()
    }
    response.on('drain', done)
    response.on('close', done)
  })
}
