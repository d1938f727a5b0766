import { fail, hasCode } from '../../../core/index.ts'
import { tryLock } from '../../../host/index.ts'
import type { RegistryConfig } from '../config.ts'
import { RegistryDatabase } from '../folder/database.ts'
import { type FolderStorage, openFolder } from '../folder/folder.ts'
import { folderLayout } from '../folder/layout.ts'
import { graceOf, taskWork } from './keepers.ts'
import { askServer, type TaskKind } from './tasks.ts'
import { openUpkeep } from './upkeep.ts'

/**
 * Does a piece of upkeep on a registry's folder: itself, with `config`, or by asking the server that has the folder,
 * which has a configuration of its own. The result is what the JSON API answers for the same. Fails with
 * `REGISTRY_UPKEEP_FAILED`.
 */
export async function runUpkeep(
  root: string,
  kind: TaskKind,
  { config, signal }: { config: RegistryConfig; signal: AbortSignal },
): Promise<unknown> {
  const storage = openUnlessServed(root, config)
  if (!storage) return await ask(root, kind, signal)
  await using folder = storage
  const { database } = folder
  const upkeep = openUpkeep(folder, { config, database, url: () => 'http://localhost' })
  try {
    return await taskWork(upkeep.keepers!)[kind]!()
  } finally {
    await upkeep.outbox.close()
  }
}

function openUnlessServed(root: string, config: RegistryConfig): FolderStorage | undefined {
  try {
    return openFolder(root, { grace: graceOf(config) })
  } catch (error) {
    if (hasCode(error, 'REGISTRY_IN_USE')) return undefined
    throw error
  }
}

async function ask(root: string, kind: TaskKind, signal: AbortSignal): Promise<unknown> {
  const layout = folderLayout(root)
  using database = new RegistryDatabase(layout.database)
  const isServed = (): boolean => {
    const lock = tryLock(layout.lock)
    lock?.release()
    return lock === undefined
  }
  const result = await askServer(database, kind, { isServed, signal })
  if ('failed' in result) throw fail('REGISTRY_UPKEEP_FAILED', result.failed)
  return result.done
}
