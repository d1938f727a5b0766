import { accessSync, constants } from 'node:fs'
import type { RegistryDatabase } from './folder/database.ts'

/** Why the registry cannot do its work at the moment; `undefined` when it can. */
export function readiness(db: RegistryDatabase, folder: string): string | undefined {
  try {
    db.get('SELECT 1 FROM repositories LIMIT 1')
    accessSync(folder, constants.R_OK | constants.W_OK)
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
