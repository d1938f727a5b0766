import os from 'node:os'
import { addressOf, systemError, tryCall } from './syscalls.ts'

/** How a call ended: bytes that the socket took (0: the file has no more), or why it took none. */
export type Sent = number | 'full' | 'gone' | 'unsupported'

const { EAGAIN, ECONNABORTED, ECONNRESET, EINTR, EINVAL, ENOSYS, ENOTCONN, EOPNOTSUPP, EPIPE, ETIMEDOUT } =
  os.constants.errno
const OUTCOMES = new Map<number, Sent>([
  [EAGAIN, 'full'],
  [EINTR, 'full'],
  [EPIPE, 'gone'],
  [ECONNRESET, 'gone'],
  [ECONNABORTED, 'gone'],
  [ENOTCONN, 'gone'],
  [ETIMEDOUT, 'gone'],
  [EINVAL, 'unsupported'],
  [ENOSYS, 'unsupported'],
  [EOPNOTSUPP, 'unsupported'],
])
const offset = Buffer.alloc(8)

/**
 * Hands up to `count` bytes of a file, from `position` on, to a non-blocking socket, without copying them through this
 * process (sendfile(2)). 'full': the socket takes nothing now. 'gone': the other side has left. 'unsupported': this
 * kind of file or socket cannot do it. Fails with a `SystemError` when the file cannot be read.
 */
export function sendFileBytes(socket: number, file: number, position: number, count: number): Sent {
  offset.writeBigInt64LE(BigInt(position))
  const sent = tryCall('int64_t sendfile(int out, int in, void *offset, size_t count)', [socket, file, offset, count])
  if (sent >= 0) return sent
  const outcome = OUTCOMES.get(-sent)
  if (outcome === undefined) throw systemError(-sent, 'sendfile')
  return outcome
}

// linux/fs.h; Node has no name for it
const RWF_NOWAIT = 8
const page = Buffer.allocUnsafeSlow(1)
let vector: Buffer | undefined

/**
 * Whether reading here would not wait for a disk: the page is in memory, or the file system cannot say (then it is
 * one that lies in memory itself).
 */
export function isInMemory(file: number, position: number): boolean {
  vector ??= vectorOf(page)
  const args = [file, vector, 1, position, RWF_NOWAIT]
  return tryCall('int64_t preadv2(int file, void *vector, int count, int64_t offset, int flags)', args) !== -EAGAIN
}

/** A `struct iovec` of one buffer. */
function vectorOf(buffer: Buffer): Buffer {
  const vector = Buffer.alloc(16)
  vector.writeBigUInt64LE(addressOf(buffer), 0)
  vector.writeBigUInt64LE(BigInt(buffer.length), 8)
  return vector
}
