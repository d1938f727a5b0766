import { closeSync, fsyncSync, openSync } from 'node:fs'
import { call } from './syscalls.ts'

/** Makes names in a folder survive a power failure: files that were made in it or renamed into it. */
export function syncFolder(folder: string): void {
  withFolder(folder, fsyncSync)
}

/** Brings everything that was written to the file system of a folder to the disk: for a whole tree of new files. */
export function syncFileSystem(folder: string): void {
  withFolder(folder, (fd) => call('int syncfs(int fd)', [fd], folder))
}

function withFolder(folder: string, work: (fd: number) => unknown): void {
  const fd = openSync(folder, 'r')
  try {
    work(fd)
  } finally {
    closeSync(fd)
  }
}
