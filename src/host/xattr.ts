import { errnoOf } from '../core/index.ts'
import { call, cPath } from './syscalls.ts'

/** Extended attributes of one file: latin1 name to value. */
export type Xattrs = Map<string, Buffer>

// The kernel's own limits (limits.h): XATTR_LIST_MAX and XATTR_SIZE_MAX are both 64 KiB.
const names = Buffer.alloc(65536)
const value = Buffer.alloc(65536)

/** All extended attributes of a file, not following a symlink; `undefined` when there are none or none are possible. */
export function listXattrs(path: string | Buffer): Xattrs | undefined {
  const target = cPath(path)
  const length = unlessUnsupported(0, () =>
    call(
      'int64_t llistxattr(const uint8_t *path, _Out_ uint8_t *list, size_t size)',
      [target, names, names.length],
      path,
    ),
  )
  if (length === 0) return undefined
  const found: Xattrs = new Map()
  for (const name of names.toString('latin1', 0, length - 1).split('\0')) {
    const bytes = getXattr(path, name)
    if (bytes) found.set(name, bytes)
  }
  return found.size > 0 ? found : undefined
}

/** One extended attribute, not following a symlink; `undefined` when the file does not have it. */
export function getXattr(path: string | Buffer, name: string): Buffer | undefined {
  const args = [cPath(path), cPath(Buffer.from(name, 'latin1')), value, value.length]
  const length = unlessUnsupported(-1, () =>
    call('int64_t lgetxattr(const uint8_t *path, const uint8_t *name, _Out_ uint8_t *v, size_t size)', args, path),
  )
  return length < 0 ? undefined : Buffer.from(value.subarray(0, length))
}

/** Sets an extended attribute, not following a symlink. Throws a `SystemError` (EPERM, ENOTSUP, E2BIG ...). */
export function setXattr(path: string | Buffer, name: string, bytes: Uint8Array): void {
  const args = [cPath(path), cPath(Buffer.from(name, 'latin1')), bytes, bytes.length, 0]
  call('int lsetxattr(const uint8_t *path, const uint8_t *name, const uint8_t *v, size_t size, int flags)', args, path)
}

function unlessUnsupported(otherwise: number, work: () => number): number {
  try {
    return work()
  } catch (error) {
    if (['ENODATA', 'ENOTSUP', 'EOPNOTSUPP'].includes(errnoOf(error) ?? '')) return otherwise
    throw error
  }
}
