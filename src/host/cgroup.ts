import { lstatSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { errnoOf } from '../core/index.ts'

const MOUNT = '/sys/fs/cgroup'
/** More than anything that we start makes. */
const MOST_NESTED = 10_000

/** Names of the control groups below `parent` (`/slipway/x`), in whatever hierarchies this machine has. */
export function listCgroups(parent: string): string[] {
  return [...new Set(foldersOf(parent).flatMap(foldersIn))]
}

/** Removes a control group and those below it from every hierarchy. One that has processes stays. */
export function removeCgroup(group: string): void {
  for (const folder of foldersOf(group)) {
    const nested = [folder]
    for (let at = 0; at < nested.length && at < MOST_NESTED; at++) {
      nested.push(...foldersIn(nested[at]!).map((name) => path.join(nested[at]!, name)))
    }
    for (const each of nested.reverse()) removeFolder(each)
  }
}

/**
 * Makes the next move of a process into a control group quick. After a while without one, the kernel lets the first
 * wait until all CPUs have noticed (the grace period of `cgroup_threadgroup_rwsem`), some 10 ms. This process moves to
 * where it is already; whoever starts a container does that ahead, without waiting for it. Never fails.
 */
export async function warmCgroups(): Promise<void> {
  try {
    // "0" is the process that writes it
    await writeFile(path.join(ownCgroupFolder(), 'cgroup.procs'), '0', { flag: 'r+' })
  } catch {
    // then it is only slower
  }
}

/** Of the first hierarchy that /proc/self/cgroup names: `8:pids:/a` in version 1, `0::/a` in version 2. */
function ownCgroupFolder(): string {
  const [, controllers = '', group = '/'] =
    /^\d+:(?:name=)?([^:]*):(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8')) ?? []
  return path.join(MOUNT, controllers, group)
}

/** Version 2 has one hierarchy at the mount itself, version 1 one in each of its folders. */
function foldersOf(group: string): string[] {
  const hierarchies = [MOUNT, ...foldersIn(MOUNT).map((name) => path.join(MOUNT, name))]
  const candidates = hierarchies.map((hierarchy) => path.join(hierarchy, group))
  return candidates.filter((folder) => lstatSync(folder, { throwIfNoEntry: false })?.isDirectory())
}

function foldersIn(folder: string): string[] {
  try {
    const entries = readdirSync(folder, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    if (['ENOENT', 'ENODEV', 'EACCES'].includes(errnoOf(error) ?? '')) return []
    throw error
  }
}

function removeFolder(folder: string): void {
  try {
    rmdirSync(folder)
  } catch (error) {
    // in use, gone, or not ours
    if (!['EBUSY', 'ENOTEMPTY', 'ENOENT', 'EACCES', 'EPERM', 'EROFS'].includes(errnoOf(error) ?? '')) throw error
  }
}
