import { HelperProcess } from '../host/index.ts'
import type { KeeperMethods } from './keeper-methods.ts'

/**
 * The process that mounts and runs on behalf of this one. It has mount and, for builds, pid namespaces of its own: when
 * it ends, or the process that started it does, the kernel takes its mounts away and kills what it started.
 */
export type Keeper = HelperProcess<KeeperMethods>

/** Starts a keeper. `processes: false` lets containers outlive it. Needs root. */
export function openKeeper(options: { processes: boolean }): Keeper {
  return new HelperProcess<KeeperMethods>(new URL('./keeper.ts', import.meta.url), { mounts: true, ...options })
}
