import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs'
import type { Bytes } from '../core/index.ts'
import { sniffCompression } from '../layer/index.ts'

/** Passes a layer on and, when it is compressed, writes it to a file as well; that has reached the disk at the end. */
export async function* copyCompressed(body: Bytes, target: string): Bytes {
  let fd: number | undefined
  let first = true
  try {
    for await (const chunk of body) {
      if (first && sniffCompression(chunk) !== 'none') fd = openSync(target, 'wx', 0o600)
      first = false
      for (let at = 0; fd !== undefined && at < chunk.length; ) at += writeSync(fd, chunk, at)
      yield chunk
    }
    if (fd !== undefined) fsyncSync(fd)
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
