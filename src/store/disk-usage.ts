import { lstatSync, readdirSync, type Stats } from 'node:fs'
import { errnoOf } from '../core/index.ts'

const SLASH = Buffer.from('/')

/** Bytes of the regular files below a folder, a file with several names counted once, and how many entries there are. */
export function diskUsage(root: string): { bytes: number; inodes: number } {
  const total = { bytes: 0, inodes: 0 }
  const seen = new Set<number>()
  const folders = [Buffer.from(root)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of namesIn(folder)) {
      const file = Buffer.concat([folder, SLASH, name])
      const stat = lstatOrNothing(file)
      if (!stat) continue
      if (stat.isDirectory()) folders.push(file)
      if (seen.has(stat.ino)) continue
      seen.add(stat.ino)
      total.bytes += stat.isFile() ? stat.size : 0
      total.inodes++
    }
  }
  return total
}

/** What went away meanwhile, or is nested deeper than a path can say, is not counted. */
const UNSEEN = ['ENOENT', 'ENOTDIR', 'ENAMETOOLONG']

function namesIn(folder: Buffer): Buffer[] {
  try {
    return readdirSync(folder, { encoding: 'buffer' }) as unknown as Buffer[]
  } catch (error) {
    if (UNSEEN.includes(errnoOf(error) ?? '')) return []
    throw error
  }
}

function lstatOrNothing(file: Buffer): Stats | undefined {
  try {
    return lstatSync(file)
  } catch (error) {
    if (UNSEEN.includes(errnoOf(error) ?? '')) return undefined
    throw error
  }
}
