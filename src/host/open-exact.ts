import { closeSync, constants, openSync, readlinkSync } from 'node:fs'

/**
 * Opens what is at this very path, or returns undefined when some part of the way there is a link, or has become one
 * since it was looked at: what was opened is then somewhere else. `path` is absolute, without links, `.` and `..` as
 * far as its caller knows. Fails with the errno of open(2). The caller closes what it gets.
 */
export function openExact(path: string | Buffer, flags: number = constants.O_RDONLY): number | undefined {
  const fd = openSync(path, flags | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  try {
    const place = readlinkSync(`/proc/self/fd/${fd}`, { encoding: 'buffer' }) as unknown as Buffer
    if (place.equals(typeof path === 'string' ? Buffer.from(path) : path)) return fd
  } catch (error) {
    closeSync(fd)
    throw error
  }
  closeSync(fd)
  return undefined
}
