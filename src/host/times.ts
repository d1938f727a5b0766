import { call, cPath } from './syscalls.ts'

const AT_FDCWD = -100
const AT_SYMLINK_NOFOLLOW = 0x100

/**
 * Sets the access and modification time of a file, not following a symlink. Node's own `lutimes` takes a float, which
 * is too coarse for nanoseconds. Throws a `SystemError`.
 */
export function setTimes(path: string | Buffer, time: { seconds: number; nanoseconds: number }): void {
  const spec = Buffer.alloc(32)
  for (const at of [0, 16]) {
    spec.writeBigInt64LE(BigInt(time.seconds), at)
    spec.writeBigInt64LE(BigInt(time.nanoseconds), at + 8)
  }
  call(
    'int utimensat(int dirfd, const uint8_t *path, const uint8_t *times, int flags)',
    [AT_FDCWD, cPath(path), spec, AT_SYMLINK_NOFOLLOW],
    String(path),
  )
}
