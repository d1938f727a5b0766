/** A file system of a few megabytes, of which any part can be taken away and given back. Needs root. */
import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'

export interface SmallDisk extends Disposable {
  readonly folder: string
  /** Leaves so many bytes to everybody, root included. */
  leave(bytes: number): void
  /** Gives everything back. */
  free(): void
}

/** Makes an ext4 file system in a file, and mounts it. `undefined` where that cannot be done: no root, no loop device. */
export function openSmallDisk(megabytes: number): SmallDisk | undefined {
  const home = mkdtempSync(path.join(os.tmpdir(), 'slipway-disk-'))
  const folder = path.join(home, 'disk')
  const image = path.join(home, 'disk.img')
  const ballast = path.join(folder, 'ballast')
  mkdirSync(folder)
  try {
    mountImage(image, folder, megabytes)
  } catch {
    rmSync(home, { recursive: true })
    return undefined
  }
  return {
    folder,
    leave(bytes) {
      rmSync(ballast, { force: true })
      fill(ballast, () => freeBytes(folder) - bytes)
    },
    free: () => rmSync(ballast, { force: true }),
    [Symbol.dispose]() {
      execFileSync('umount', ['--lazy', folder])
      rmSync(home, { recursive: true, force: true })
    },
  }
}

function mountImage(image: string, folder: string, megabytes: number): void {
  const run = (program: string, ...args: string[]): void => void execFileSync(program, args, { stdio: 'ignore' })
  run('truncate', '--size', `${megabytes}M`, image)
  // without blocks that only root gets, and without a journal that takes most of it; blocks as large as pages, as on any
  // large disk: with smaller ones Linux kills whoever writes to a mapped page (SQLite does) that finds no room (SIGBUS)
  run('mkfs.ext4', '-q', '-b', '4096', '-m', '0', '-J', 'size=4', image)
  run('mount', '-o', 'loop', image, folder)
}

function freeBytes(folder: string): number {
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize
}

/** Writes until there is nothing left to take; a file needs blocks for its own list of blocks, too. */
function fill(file: string, left: () => number): void {
  const fd = openSync(file, 'w')
  const piece = Buffer.alloc(64 << 10, 1)
  try {
    for (let missing = left(); missing >= 4096; missing = left())
      writeSync(fd, piece, 0, Math.min(piece.length, missing))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
  } finally {
    closeSync(fd)
  }
}
