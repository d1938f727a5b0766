import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { errnoOf, type Job, OnceAtATime } from '../core/index.ts'
import { lock, syncFileSystem, syncFolder } from '../host/index.ts'
import { unpackLayer } from '../layer/index.ts'
import type { LayerStore, Mountable } from './layers.ts'
import type { StoreLayout } from './layout.ts'
import type { Lease } from './leases.ts'
import { createSnapshotter, type Snapshotter } from './snapshots.ts'

/**
 * The fallback for kernels that cannot mount an index: each layer is unpacked once, into a directory in overlayfs's
 * form, and stacked. `whiteouts` says whether this process may use the trusted namespace of xattrs (root).
 */
export function createDirectorySnapshotter(
  layout: StoreLayout,
  layers: LayerStore,
  options: { whiteouts: Whiteouts; newLease: () => Lease },
): Snapshotter {
  const unpacking = new OnceAtATime<string, string>()
  return createSnapshotter('directory', { layout, layers }, async (diffIds, _at, job) => {
    const directories: string[] = []
    for (const mountable of await layers.mountables(diffIds, job)) {
      const target = `${layout.directories}/${mountable.name}`
      directories.push(await unpacking.get(target, () => unpackOnce(mountable, { target, ...options }, job)))
    }
    return { mounts: [], directories }
  })
}

type Whiteouts = 'overlay-trusted' | 'overlay-user'

/** Several processes may want the same layer: one unpacks, the others wait. */
async function unpackOnce(
  mountable: Mountable,
  options: { target: string; whiteouts: Whiteouts; newLease: () => Lease },
  job: Job,
): Promise<string> {
  const { target, whiteouts, newLease } = options
  if (existsSync(target)) return target
  // saves work and no more: a lock file may be collected while somebody waits for it
  await using _lock = await lock(`${target}.lock`, {}, job)
  if (existsSync(target)) return target
  using lease = newLease()
  const unfinished = path.join(lease.folder, 'layer')
  mkdirSync(unfinished, { mode: 0o755 })
  await unpackLayer(mountable.layer, unfinished, { whiteouts }, job)
  // one call for a million files; without it a power failure could leave them empty under their final name
  syncFileSystem(unfinished)
  moveInto(unfinished, target)
  syncFolder(path.dirname(target))
  rmSync(`${target}.lock`, { force: true })
  return target
}

/** Another process may have been faster: then there is the same layer already. */
function moveInto(unfinished: string, target: string): void {
  try {
    renameSync(unfinished, target)
  } catch (error) {
    if (!['EEXIST', 'ENOTEMPTY'].includes(errnoOf(error) ?? '')) throw error
  }
}
