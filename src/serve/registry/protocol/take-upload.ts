import type { IncomingMessage } from 'node:http'
import { refuse } from '../failure.ts'
import type { Upload, UploadHold } from '../storage.ts'

/** Milliseconds without a byte after which a request that another waits for is taken to be one that has no client. */
const SILENCE = 900

/** The request that has an upload. */
interface Holder {
  readonly request: IncomingMessage
  /** Resolves when it has let go. */
  readonly released: Promise<void>
  /** What had come when somebody else asked for the upload. */
  seen?: { readonly bytes: number; readonly at: number }
}

const holders = new WeakMap<Upload, Holder>()

/**
 * Claims an upload for a request. Only its client knows an upload, so a second request means that the client has lost the
 * connection of the first; this side may not hear of that for minutes. The second is told to come again in a second; when
 * nothing has come over the first connection meanwhile, that is broken off. Fails with `UNAVAILABLE`.
 */
export async function takeUpload(upload: Upload, request: IncomingMessage): Promise<UploadHold> {
  const hold = upload.take() ?? (await takeOver(upload))
  if (!hold) throw refuse('UNAVAILABLE', 'another request writes to this upload', { headers: { 'Retry-After': '1' } })
  const { promise: released, resolve } = Promise.withResolvers<void>()
  holders.set(upload, { request, released })
  return {
    append: (bytes, limit) => hold.append(bytes, limit),
    sync: () => hold.sync(),
    commit: (digest, options) => hold.commit(digest, options),
    cancel: () => hold.cancel(),
    [Symbol.dispose]() {
      holders.delete(upload)
      hold[Symbol.dispose]()
      resolve()
    },
  }
}

async function takeOver(upload: Upload): Promise<UploadHold | undefined> {
  const holder = holders.get(upload)
  // whose body is complete is only waiting for the disk
  if (!holder || holder.request.complete || !isSilent(holder)) return undefined
  holder.request.destroy()
  await holder.released
  return upload.take()
}

function isSilent(holder: Holder): boolean {
  const bytes = holder.request.socket.bytesRead
  const now = Date.now()
  if (holder.seen?.bytes !== bytes) holder.seen = { bytes, at: now }
  return now - holder.seen.at >= SILENCE
}
