import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { type ByteString, byteStringToBuffer, errnoOf, fail } from '../core/index.ts'
import { call, cPath } from './syscalls.ts'

// include/uapi/linux/openat2.h; the number is the same on every architecture.
const SYS_OPENAT2 = 437
const RESOLVE_NO_MAGICLINKS = 0x02
const RESOLVE_IN_ROOT = 0x10
const O_CLOEXEC = 0o2000000
const OPEN = 'long syscall(long n, long dir, const uint8_t *path, const uint8_t *how, size_t size)'

/**
 * The one way from a path inside an image (or anything else that is not ours) to a file on this host: opens `path` as
 * if `root` were `/`, so that `..`, absolute symlinks and races with a process that swaps directories cannot leave it;
 * the kernel resolves it (openat2 with RESOLVE_IN_ROOT, Linux 5.6). Returns a file descriptor that the caller closes;
 * `/proc/self/fd/N` names the file for calls that take only paths. Throws a `SystemError`.
 */
export function openInRoot(root: string, path: ByteString, flags: number = constants.O_RDONLY, mode = 0): number {
  const rootFd = openSync(root, constants.O_DIRECTORY | constants.O_RDONLY)
  try {
    const how = Buffer.alloc(24)
    how.writeBigUInt64LE(BigInt(flags | O_CLOEXEC), 0)
    how.writeBigUInt64LE(BigInt(mode), 8)
    how.writeBigUInt64LE(BigInt(RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS), 16)
    const target = cPath(byteStringToBuffer(path === '' ? ('.' as ByteString) : path))
    return call(OPEN, [SYS_OPENAT2, rootFd, target, how, how.length], path, 'openat2')
  } finally {
    closeSync(rootFd)
  }
}

/**
 * A small regular file below `root`, whole; `undefined` when there is none. What is not a regular file counts as none
 * (a FIFO would block for ever). Fails with `FILE_TOO_LARGE` above `limit` bytes.
 */
export function readInRoot(root: string, path: ByteString, limit: number): Buffer | undefined {
  let fd: number
  try {
    fd = openInRoot(root, path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO', 'EACCES'].includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
  try {
    const stat = fstatSync(fd)
    if (!stat.isFile()) return undefined
    if (stat.size > limit) throw fail('FILE_TOO_LARGE', `/${path} is larger than ${limit} bytes`)
    const buffer = Buffer.alloc(stat.size)
    return buffer.subarray(0, readSync(fd, buffer, 0, buffer.length, 0))
  } finally {
    closeSync(fd)
  }
}
