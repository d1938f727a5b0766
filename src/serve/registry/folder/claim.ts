import { mkdirSync } from 'node:fs'
import { errnoOf, fail, hasCode, messageOf } from '../../../core/index.ts'
import { type FileLock, tryLock } from '../../../host/index.ts'
import { RegistryDatabase } from './database.ts'
import type { FolderLayout } from './layout.ts'

/** A registry's folder that is this process's alone, until it is released. */
export interface ClaimedFolder {
  readonly db: RegistryDatabase
  release(): void
}

/**
 * Makes these folders where they are not there, takes the lock that one process at a time can have, and opens the tables.
 * Fails with `REGISTRY_IN_USE`, `REGISTRY_UNUSABLE`.
 */
export function claimFolder(layout: FolderLayout, folders: readonly string[]): ClaimedFolder {
  let lock: FileLock | undefined
  try {
    for (const folder of folders) mkdirSync(folder, { recursive: true, mode: 0o700 })
    lock = tryLock(layout.lock)
    if (!lock) {
      throw fail('REGISTRY_IN_USE', `another registry server uses ${layout.root}`, {
        hint: 'stop it, or use another folder (--root)',
      })
    }
    const db = new RegistryDatabase(layout.database)
    const release = (): void => {
      db.close()
      lock?.release()
    }
    return { db, release }
  } catch (error) {
    lock?.release()
    throw hasCode(error, 'REGISTRY_IN_USE', 'STORE_TOO_NEW') ? error : unusable(layout.root, error)
  }
}

function unusable(root: string, cause: unknown): Error {
  return fail('REGISTRY_UNUSABLE', `cannot use ${root} as the folder of a registry: ${messageOf(cause)}`, {
    cause,
    hint: hintFor(cause),
  })
}

/** SQLITE_CORRUPT and SQLITE_NOTADB. */
const DAMAGED = [11, 26]

function hintFor(cause: unknown): string {
  const code = (cause as { errcode?: number }).errcode
  if (code !== undefined && DAMAGED.includes(code & 0xff)) {
    return 'registry.db is damaged: bring the folder back from a backup, or start with another one (--root)'
  }
  if (['ENOSPC', 'EDQUOT'].includes(errnoOf(cause) ?? '') || code === 13) return 'the disk is full: free some space'
  return 'name a folder that this user may write to with --root'
}
