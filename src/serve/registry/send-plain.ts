import { once } from 'node:events'
import type { SendBlob } from './extensions.ts'
import { readBlob } from './read-blob.ts'

/** Sends a blob through Node's streams. */
export const sendPlain: SendBlob = async (response, blob, range) => {
  for await (const chunk of readBlob(blob, range)) {
    if (response.destroyed) return
    if (!response.write(chunk)) await Promise.race([once(response, 'drain'), once(response, 'close')])
  }
  response.end()
}
