import type { Job } from '../../../core/index.ts'
import type { RegistryDatabase } from '../folder/database.ts'
import type { FolderLayout } from '../folder/layout.ts'
import type { RegistryStorage } from '../storage.ts'

/** Who changes things, in records: no user can have a name with a colon. */
export const PROXY = 'registry:proxy'

/** What all of the cache works with. */
export interface ProxyContext {
  readonly storage: RegistryStorage
  readonly database: RegistryDatabase
  readonly layout: FolderLayout
  /** Ends with the server. */
  readonly job: Job
  log(line: string): void
}
