import { accessSync, constants } from 'node:fs'
import path from 'node:path'
import { isDiskFull } from '../../../host/index.ts'
import type { RegistryDatabase } from '../folder/database.ts'

/** Why the registry cannot do its work at the moment; `undefined` when it can. */
export function readiness(db: RegistryDatabase, folder: string): string | undefined {
  try {
    db.get('SELECT 1 FROM repositories LIMIT 1')
    accessSync(folder, constants.R_OK | constants.W_OK)
    return isDiskFull(path.join(folder, 'registry.db')) ? 'the disk is full' : undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
