import type { RegistryConfig } from '../config.ts'
import type { FolderStorage } from '../folder/folder.ts'
import { limitsFrom } from '../limits.ts'
import { createFollowers } from './followers.ts'
import { createGc, type Gc, type GcRules } from './gc.ts'
import { createRetention, type Retention, type RetentionReport } from './retain.ts'
import type { RetentionRule } from './retention.ts'
import { createScrub, type Scrub } from './scrub.ts'
import type { RetentionConfig } from './settings.ts'
import type { serveTasks } from './tasks.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Collection, retention and scrub of a folder, as the configuration wants them. */
export interface Keepers {
  gc: Gc
  retention: Retention
  scrub: Scrub
}

/** What they are made with. */
export interface KeepersOptions {
  config: RegistryConfig
  isImmutable: (repository: string, tag: string) => boolean
}

/** Those that keep a folder in order. They listen to its changes from now on. */
export function createKeepers(storage: FolderStorage, { config, isImmutable }: KeepersOptions): Keepers {
  storage.listen(createFollowers(storage.database))
  return {
    gc: createGc(storage, gcRules(config)),
    retention: createRetention(storage, (config.retention ?? []).map(retentionRule), isImmutable),
    scrub: createScrub(storage, gcRules(config)),
  }
}

/** How collection is set, with what is usual where the configuration says nothing. */
export function gcRules({ gc = {}, limits }: Pick<RegistryConfig, 'gc' | 'limits'>): GcRules {
  return {
    blobGrace: gc.blob_grace ?? HOUR,
    manifestGrace: gc.manifest_grace ?? DAY,
    untagged: gc.untagged ?? true,
    uploadAge: limitsFrom(limits).uploadAge,
  }
}

/** How long a folder leaves alone what may be garbage. */
export function graceOf(config: RegistryConfig): { blobs: number; manifests: number } {
  const { blobGrace, manifestGrace } = gcRules(config)
  return { blobs: blobGrace, manifests: manifestGrace }
}

/** What commands may ask for while the server has the folder. */
export function taskWork({ gc, retention, scrub }: Keepers): Parameters<typeof serveTasks>[1] {
  return {
    gc: () => gc.run(),
    'gc-preview': () => gc.preview(),
    retention: () => retention.run(),
    'retention-preview': () => reportsOf(retention),
    scrub: () => scrub.run(),
  }
}

/** All that retention says at this moment. */
export async function reportsOf(retention: Retention): Promise<RetentionReport[]> {
  const reports: RetentionReport[] = []
  for await (const report of retention.preview()) reports.push(report)
  return reports
}

function retentionRule({ repositories, keep }: RetentionConfig): RetentionRule {
  return {
    repositories,
    keepTags: keep.map(({ tags, except = [], ...rest }) => ({
      tags,
      except,
      ...(rest.pushed_within === undefined ? {} : { pushedWithin: rest.pushed_within }),
      ...(rest.pulled_within === undefined ? {} : { pulledWithin: rest.pulled_within }),
      ...(rest.last_pushed === undefined ? {} : { lastPushed: rest.last_pushed }),
      ...(rest.last_pulled === undefined ? {} : { lastPulled: rest.last_pulled }),
    })),
  }
}
