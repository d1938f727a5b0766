import { open } from 'node:fs/promises'
import { type Bytes, errnoOf, fail } from '../../../core/index.ts'
import type { SendRange } from '../extensions.ts'
import type { StoredBlob } from '../storage.ts'

const CHUNK = 1 << 18

/** Bytes of a blob. Fails with `BLOB_NOT_FOUND` when its file is gone. */
export async function* readBlob(blob: StoredBlob, range: SendRange): Bytes {
  const file = await open(blob.path).catch((cause) => {
    if (errnoOf(cause) !== 'ENOENT') throw cause
    throw fail('BLOB_NOT_FOUND', `content ${blob.digest} is not there`, { cause })
  })
  try {
    for (let at = range.start; at < range.end; ) {
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK, range.end - at))
      const { bytesRead } = await file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) return
      at += bytesRead
      yield buffer.subarray(0, bytesRead)
    }
  } finally {
    await file.close()
  }
}
