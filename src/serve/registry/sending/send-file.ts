import { closeSync, openSync, read as readAsync, readSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type ByteRange, fail } from '../../../core/index.ts'
import { isInMemory, sendFileBytes } from '../../../host/index.ts'

/** A file to send; one that is given by `fd` stays open. */
export type FileToSend =
  | { readonly path: string; readonly size: number }
  | { readonly fd: number; readonly size: number }

// one turn of the event loop: so long do all others wait
const SLICE = 256 * 1024
// what is written while the socket is full, only to learn when it is not any more
const PROBE = 16 * 1024
// below, one copy costs less than the turns that sendfile takes
const SMALL = 64 * 1024

/**
 * Sends a file, or a range of it, as the body of a response whose head (with `Content-Length`) was set but may not be
 * sent yet, and ends the response: the connection can take the next request. On plain connections the kernel copies
 * (sendfile(2)); over TLS, and where it cannot, bytes go through this process. Nothing blocks: neither a reader that is
 * slow nor a disk.
 * Resolves to the bytes sent, which are fewer than asked for when the client left. Fails with `CONTENT_MISMATCH` when
 * the file is shorter than `size`, and with the signal's reason; the connection is closed then, so that no client takes
 * the part for the whole.
 */
export async function sendFile(
  response: ServerResponse,
  file: FileToSend,
  options: { range?: ByteRange; signal?: AbortSignal } = {},
): Promise<number> {
  if (response.req.method === 'HEAD') {
    response.end()
    return 0
  }
  const fd = 'fd' in file ? file.fd : openSync(file.path, 'r')
  const abort = (): unknown => response.destroy()
  options.signal?.addEventListener('abort', abort)
  try {
    options.signal?.throwIfAborted()
    const start = options.range?.start ?? 0
    const end = Math.min(file.size, options.range?.end ?? file.size)
    const reached = await send({ response, fd, position: start, end, direct: true })
    options.signal?.throwIfAborted()
    return reached - start
  } catch (error) {
    response.destroy()
    throw error
  } finally {
    options.signal?.removeEventListener('abort', abort)
    if (!('fd' in file)) closeSync(fd)
  }
}

interface Transfer {
  readonly response: ServerResponse
  readonly fd: number
  /** From here on nothing was sent yet. */
  position: number
  readonly end: number
  /** Whether the kernel can copy from this file to this connection. */
  direct: boolean
  buffer?: Buffer
}

/** Sends all, and resolves to the position that was reached. */
async function send(transfer: Transfer): Promise<number> {
  const { response, end } = transfer
  if (end - transfer.position <= SMALL) return sendWhole(transfer)
  response.flushHeaders()
  while (transfer.position < end) {
    if (hasLeft(response)) return transfer.position
    const sent = sendSlice(transfer)
    if (sent === 'gone') response.destroy()
    else if (typeof sent !== 'number') await copySlice(transfer, sent)
    else await advance(transfer, sent)
  }
  response.end()
  return end
}

async function sendWhole(transfer: Transfer): Promise<number> {
  const { response, end, position } = transfer
  const bytes = await readSlice(transfer, Buffer.allocUnsafe(end - position))
  if (bytes.length < end - position) throw tooShort(position + bytes.length)
  if (hasLeft(response)) return position
  response.end(bytes)
  return end
}

/** The bytes that the kernel took, or why they must be copied: 'cold' when they still lie on a disk. */
function sendSlice(transfer: Transfer): ReturnType<typeof sendFileBytes> | 'cold' {
  const { response, fd, position, end } = transfer
  const plain = transfer.direct ? plainSocket(response) : undefined
  if (!plain) return 'unsupported'
  // what goes through Node comes first: the head of the response, or another response
  if (plain.socket.writableLength > 0) return 'full'
  const count = Math.min(SLICE, end - position)
  if (!isInMemory(fd, position + count - 1)) return 'cold'
  const sent = sendFileBytes(plain.fd, fd, position, count)
  transfer.direct = sent !== 'unsupported'
  if (plain.socket.timeout) plain.socket.setTimeout(plain.socket.timeout) // Node does not see that bytes go out
  return sent
}

async function advance(transfer: Transfer, sent: number): Promise<void> {
  if (sent === 0) throw tooShort(transfer.position)
  transfer.position += sent
  await nextTurn()
}

/** Copies the next bytes through this process, and waits until the socket has taken them. */
async function copySlice(transfer: Transfer, why: string): Promise<void> {
  const size = Math.min(why === 'full' ? PROBE : SLICE, transfer.end - transfer.position)
  if (!transfer.buffer || transfer.buffer.length < size) transfer.buffer = Buffer.allocUnsafeSlow(size)
  const bytes = await readSlice(transfer, transfer.buffer.subarray(0, size))
  if (bytes.length === 0) throw tooShort(transfer.position)
  if (await written(transfer.response, bytes)) transfer.position += bytes.length
}

const read = promisify(readAsync)

/** The bytes at the position; only those that lie in memory are read by this thread. */
async function readSlice({ fd, position }: Transfer, into: Buffer): Promise<Buffer> {
  if (isInMemory(fd, position + into.length - 1)) return into.subarray(0, readSync(fd, into, 0, into.length, position))
  const { bytesRead } = await read(fd, into, 0, into.length, position)
  return into.subarray(0, bytesRead)
}

/** Resolves when the socket has taken the bytes: true; or when it will never take any: false. */
function written(response: ServerResponse, bytes: Buffer): Promise<boolean> {
  if (hasLeft(response)) return Promise.resolve(false)
  return new Promise((resolve) => {
    const connection = response.req.socket
    const left = (): void => resolve(false)
    // a response that waits for its turn (pipelining) is not told that the connection has ended
    connection.once('close', left)
    response.write(bytes, (error) => {
      connection.off('close', left)
      resolve(!error)
    })
  })
}

const hasLeft = (response: ServerResponse): boolean => response.destroyed || response.req.socket.destroyed

/** The socket, when it is this response's turn and what is written to it goes out as it is. */
function plainSocket({ socket }: ServerResponse): { socket: Socket; fd: number } | undefined {
  if (!socket || 'encrypted' in socket) return undefined
  const fd = (socket as { _handle?: { fd?: number } })._handle?.fd
  return fd !== undefined && fd >= 0 ? { socket, fd } : undefined
}

const tooShort = (length: number): Error =>
  fail('CONTENT_MISMATCH', `a file ended after ${length} bytes while it was sent`)
