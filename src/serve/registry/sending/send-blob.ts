import { errnoOf, fail } from '../../../core/index.ts'
import type { SendBlob } from '../extensions.ts'
import { sendFile } from './send-file.ts'

/** Sends a blob from its file, by the kernel where that is possible. Fails with `BLOB_NOT_FOUND` when its file is gone. */
export const sendBlob: SendBlob = async (response, blob, range) => {
  try {
    return await sendFile(response, blob, { range })
  } catch (cause) {
    if (errnoOf(cause) !== 'ENOENT') throw cause
    throw fail('BLOB_NOT_FOUND', `content ${blob.digest} is not there`, { cause })
  }
}
