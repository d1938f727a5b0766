import { constants } from 'node:fs'
import { call, cPath } from './syscalls.ts'

/** A device number as the two halves that people know. */
export interface DeviceNumber {
  major: number
  minor: number
}

/** Makes a device node or a FIFO. `mode` holds permission bits. Throws a `SystemError`; devices need root (EPERM). */
export function makeNode(
  path: string | Buffer,
  kind: 'char' | 'block' | 'fifo',
  mode: number,
  device: DeviceNumber = { major: 0, minor: 0 },
): void {
  const format = { char: constants.S_IFCHR, block: constants.S_IFBLK, fifo: constants.S_IFIFO }[kind]
  call(
    'int mknod(const uint8_t *path, uint32_t mode, uint64_t dev)',
    [cPath(path), format | mode, packDevice(device)],
    path,
  )
}

/** glibc's `makedev`: the 64-bit layout of `st_rdev`. */
function packDevice({ major, minor }: DeviceNumber): bigint {
  const [ma, mi] = [BigInt(major), BigInt(minor)]
  return (mi & 0xffn) | ((ma & 0xfffn) << 8n) | ((mi & ~0xffn) << 12n) | ((ma & ~0xfffn) << 32n)
}

/** The halves of an `st_rdev` as `lstat` gives it. */
export function unpackDevice(rdev: number | bigint): DeviceNumber {
  const dev = BigInt(rdev)
  return {
    major: Number(((dev >> 8n) & 0xfffn) | ((dev >> 32n) & 0xfffff000n)),
    minor: Number((dev & 0xffn) | ((dev >> 12n) & 0xffffff00n)),
  }
}
