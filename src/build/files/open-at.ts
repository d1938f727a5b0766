import { constants } from 'node:fs'
import { type ByteString, errnoOf, fail, fromByteString } from '../../core/index.ts'
import { openExact } from '../../host/index.ts'

/**
 * Opens a file or folder of the build context at its canonical path on this host. A folder on the way there that has
 * become a link is not followed: the same file must be there that was looked at. Fails with `CONTEXT_CHANGED`; `path` is
 * its name in the context.
 */
export function openAt(hostPath: string | Buffer, path: ByteString, flags: number = constants.O_RDONLY): number {
  try {
    const fd = openExact(hostPath, flags)
    if (fd !== undefined) return fd
  } catch (error) {
    if (!['ENOENT', 'ENOTDIR', 'ELOOP', 'ENXIO'].includes(errnoOf(error) ?? '')) throw error
  }
  throw fail('CONTEXT_CHANGED', `${fromByteString(path) || '.'} changed while the build read it`)
}
