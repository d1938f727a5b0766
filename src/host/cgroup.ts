import { lstatSync, readdirSync, rmdirSync } from 'node:fs'
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
