import { chmodSync, lstatSync, mkdirSync, readdirSync, renameSync, rmdirSync, type Stats, unlinkSync } from 'node:fs'
import path from 'node:path'
import { errnoOf } from '../core/index.ts'

/** Longer paths are not used: a system call takes at most 4,095 bytes, and longer for each of them. */
const LONG = 500
const SLASH = Buffer.from('/')

/**
 * Removes a file, or a folder with everything in it, however deep: a container can nest directories deeper than a path can be
 * long. Other file systems that are mounted below are left alone, with the folders that lead there, and so is what
 * somebody else puts there meanwhile. Returns the bytes that its files had; what is not there is no error.
 */
export function removeTree(root: string): number {
  const top = lstatSync(root, { throwIfNoEntry: false })
  if (!top?.isDirectory()) return top ? removeFile(Buffer.from(root), top) : 0
  const folders: Buffer[] = [Buffer.from(root)]
  const shelter = new Shelter(root)
  let bytes = 0
  for (let at = 0; at < folders.length; at++) {
    for (const file of entriesOf(folders[at]!)) {
      const stat = lstatSync(file, { throwIfNoEntry: false })
      if (!stat || stat.dev !== top.dev) continue
      if (stat.isDirectory()) folders.push(file.length > LONG ? shelter.take(file) : file)
      else bytes += removeFile(file, stat)
    }
  }
  for (const folder of [...folders.reverse(), shelter.folder]) removeFolder(folder)
  return bytes
}

/** A folder beside the root, to which directories are moved whose path has become too long. */
class Shelter {
  readonly folder: Buffer
  #count = 0

  constructor(root: string) {
    this.folder = Buffer.from(
      path.join(path.dirname(root), `.removing-${path.basename(root).slice(0, 100)}-${process.pid}`),
    )
  }

  take(from: Buffer): Buffer {
    if (this.#count === 0) mkdirSync(this.folder, { recursive: true, mode: 0o700 })
    const target = Buffer.concat([this.folder, SLASH, Buffer.from(String(this.#count++))])
    unless(['ENOENT'], () => renameSync(from, target))
    return target
  }
}

function entriesOf(folder: Buffer): Buffer[] {
  const read = (): Buffer[] => readdirSync(folder, { encoding: 'buffer' })
  const names = unless(['ENOENT', 'ENOTDIR'], () => {
    try {
      return read()
    } catch (error) {
      if (errnoOf(error) !== 'EACCES') throw error
      chmodSync(folder, 0o700) // a folder of ours that even we may not read
      return read()
    }
  })
  return (names ?? []).map((name) => Buffer.concat([folder, SLASH, name]))
}

function removeFile(file: Buffer, stat: Stats): number {
  unless(['ENOENT'], () => unlinkSync(file))
  return stat.isFile() && stat.nlink === 1 ? stat.size : 0
}

function removeFolder(folder: Buffer): void {
  unless(['ENOENT', 'ENOTEMPTY', 'EEXIST', 'EBUSY', 'ENOTDIR'], () => rmdirSync(folder))
}

function unless<T>(expected: readonly string[], work: () => T): T | undefined {
  try {
    return work()
  } catch (error) {
    if (expected.includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}
