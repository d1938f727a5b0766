import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { type Job, OncePerKey } from '../core/index.ts'
import { lock } from '../host/index.ts'
import { unpackLayer } from '../layer/index.ts'
import { syncFolder } from './blobs.ts'
import type { LayerStore, Mountable } from './layers.ts'
import type { StoreLayout } from './layout.ts'
import { createSnapshotter, type Snapshotter } from './snapshots.ts'

/**
 * The fallback for kernels that cannot mount an index: each layer is unpacked once, into a directory in overlayfs's
 * form, and stacked. `whiteouts` says whether this process may use the trusted namespace of xattrs (root).
 */
export function createDirectorySnapshotter(
  layout: StoreLayout,
  layers: LayerStore,
  whiteouts: 'overlay-trusted' | 'overlay-user',
): Snapshotter {
  const unpacking = new OncePerKey<string, string>()
  return createSnapshotter('directory', { layout, layers }, async (diffIds, _at, job) => {
    const directories: string[] = []
    for (const mountable of await layers.mountables(diffIds, job)) {
      const target = `${layout.directories}/${mountable.name}`
      directories.push(await unpacking.get(target, () => unpackOnce(mountable, { target, whiteouts, layout }, job)))
    }
    return { mounts: [], directories }
  })
}

/** Several processes may want the same layer: one unpacks, the others wait. A half-written folder is started afresh. */
async function unpackOnce(
  mountable: Mountable,
  options: { target: string; whiteouts: 'overlay-trusted' | 'overlay-user'; layout: StoreLayout },
  job: Job,
): Promise<string> {
  const { target, whiteouts, layout } = options
  if (existsSync(target)) return target
  await using _lock = await lock(`${target}.lock`, {}, job)
  if (existsSync(target)) return target
  const partial = `${target}.partial`
  rmSync(partial, { recursive: true, force: true })
  mkdirSync(partial, { recursive: true, mode: 0o755 })
  await unpackLayer(mountable.layer, partial, { whiteouts }, job)
  renameSync(partial, target)
  syncFolder(layout.directories)
  rmSync(`${target}.lock`, { force: true })
  return target
}
