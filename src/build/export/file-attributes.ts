import { chmodSync, lutimesSync, symlinkSync } from 'node:fs'
import { byteStringToBuffer, errnoOf } from '../../core/index.ts'
import { makeNode, setTimes, setXattr } from '../../host/index.ts'
import type { Entry, Timestamp } from '../../layer/index.ts'

/** Makes a symlink, FIFO or device. */
export function makeSpecial(host: string, { kind, link, device }: Entry): void {
  if (kind === 'symlink') symlinkSync(byteStringToBuffer(link!), host)
  else makeNode(host, kind as 'char' | 'block' | 'fifo', 0o600, device)
}

/** Gives a file its attributes. What the file system or the user cannot have is left out. */
export function describe(host: string, entry: Pick<Entry, 'kind' | 'mode' | 'mtime' | 'xattrs'>): void {
  for (const [name, value] of entry.xattrs ?? []) trySetXattr(host, name, value)
  if (entry.kind !== 'symlink') chmodSync(host, entry.mode)
  setFileTimes(host, entry.mtime)
}

/** Not every file system takes every attribute, nor every user; Docker leaves them out, too. */
function trySetXattr(host: string, name: string, value: Uint8Array): void {
  try {
    setXattr(host, name, value)
  } catch (error) {
    if (!['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'EACCES', 'ERANGE', 'ENOSPC'].includes(errnoOf(error) ?? '')) throw error
  }
}

/** The access time becomes the same. */
export function setFileTimes(host: string | Buffer, { seconds, nanoseconds }: Timestamp): void {
  if (nanoseconds === 0 && seconds >= 0) lutimesSync(host, seconds, seconds)
  else setTimes(host, { seconds, nanoseconds })
}
