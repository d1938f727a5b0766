import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { removeTree, tryLock } from '../../host/index.ts'
import { diskUsage, type StoreLayout } from '../../store/index.ts'

/** A repository that the store keeps a copy of. */
export interface KeptRepository {
  /** Name of its folder. */
  key: string
  /** Without user name and password. */
  remote: string
  bytes: number
  /** Unix milliseconds. */
  createdAt: number
  usedAt: number
  /** Whether a build works on it now. */
  inUse: boolean
}

/** Where the copies lie. */
export const keptFolder = ({ root }: Pick<StoreLayout, 'root'>): string => path.join(root, 'git')

/** The repositories that the store keeps. */
export function keptRepositories(layout: Pick<StoreLayout, 'root'>): KeptRepository[] {
  const parent = keptFolder(layout)
  const names = existsSync(parent) ? readdirSync(parent).filter((name) => /^[0-9a-f]{32}$/.test(name)) : []
  return names.flatMap((key) => {
    const folder = path.join(parent, key)
    const [made, used] = ['description', 'used'].map((name) => statOf(path.join(folder, name)))
    if (!made) return []
    return {
      key,
      remote: readFileSync(path.join(folder, 'description'), 'utf8').trim(),
      bytes: diskUsage(folder).bytes,
      createdAt: made.mtimeMs,
      usedAt: (used ?? made).mtimeMs,
      inUse: isLocked(folder),
    }
  })
}

const statOf = (file: string): { mtimeMs: number } | undefined => statSync(file, { throwIfNoEntry: false })

function isLocked(folder: string): boolean {
  const held = tryLock(`${folder}.lock`)
  held?.release()
  return held === undefined
}

/** Removes a copy, unless a build works on it. Returns the bytes given back. The lock's file stays: others may wait on it. */
export function removeKeptRepository(layout: Pick<StoreLayout, 'root'>, key: string): number {
  const folder = path.join(keptFolder(layout), key)
  const held = tryLock(`${folder}.lock`)
  if (!held) return 0
  try {
    return removeTree(folder)
  } finally {
    held.release()
  }
}
