import { randomBytes } from 'node:crypto'
import { existsSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const SIZE = 1 << 20
/** Below so much free space nothing is set aside. */
const PLENTY = 64 << 20
/** What a few rows need. */
const LITTLE = 256 << 10

/**
 * A file that takes space for bad times: even to delete something, the database must write. On a full disk it is given
 * up, so that images can still be removed; there is a new one once there is room again.
 */
export class Reserve {
  readonly #file: string

  constructor(file: string) {
    this.#file = file
  }

  /** Sets space aside, if there is plenty and none is yet. Never fails: the reserve is only there to help. */
  keep(): void {
    try {
      if (existsSync(this.#file) || freeBytes(this.#file) < PLENTY) return
      // random, for file systems that compress
      writeFileSync(this.#file, randomBytes(SIZE), { mode: 0o600 })
    } catch {
      this.giveUp()
    }
  }

  /** Gives the space back; true if there was some. */
  giveUp(): boolean {
    const was = existsSync(this.#file)
    rmSync(this.#file, { force: true })
    return was
  }
}

/** Whether the disk of a file has next to nothing left: what SQLite then says is hard to tell from a broken disk. */
export function isDiskFull(file: string): boolean {
  try {
    return freeBytes(file) < LITTLE
  } catch {
    return false
  }
}

function freeBytes(file: string): number {
  const { bavail, bsize } = statfsSync(path.dirname(file))
  return bavail * bsize
}
