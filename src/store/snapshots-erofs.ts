import path from 'node:path'
import { layerMount } from '../layer/index.ts'
import type { LayerStore } from './layers.ts'
import type { StoreLayout } from './layout.ts'
import { createSnapshotter, type Snapshotter } from './snapshots.ts'

/** The kernel mounts each layer from its index, whose extra device is the tar as it lies in the store. */
export function createErofsSnapshotter(layout: StoreLayout, layers: LayerStore): Snapshotter {
  return createSnapshotter('erofs', { layout, layers }, async (diffIds, at, job) => {
    const mountables = await layers.mountables(diffIds, job)
    const mounts = mountables.map(({ layer, name }) => ({ ...layerMount(layer), target: path.join(at, name) }))
    return { mounts, directories: mounts.map((mount) => mount.target) }
  })
}
