import { randomUUID } from 'node:crypto'
import { renameSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { errnoOf } from '../../../core/index.ts'
import type { FolderLayout } from './layout.ts'

/**
 * Takes a file away from its name at once, so that another can have it, and its bytes in a thread: the file system needs
 * long for large ones. What a kill leaves goes at the next start, as uploads without a row do.
 */
export function discardFile(layout: FolderLayout, file: string): Promise<void> {
  const aside = layout.upload(`discarded-${randomUUID()}`)
  try {
    renameSync(file, aside)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return Promise.resolve()
    throw error
  }
  return rm(aside, { force: true })
}
