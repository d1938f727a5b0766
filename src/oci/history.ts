import type { Digest } from '../core/index.ts'
import type { HistoryEntry, ImageConfig } from './config.ts'

/** One row of an image's history: a step, a layer, or both. */
export interface HistoryStep {
  /** Missing when the image has more layers than history. */
  readonly entry?: HistoryEntry
  /** Place of the layer in `rootfs.diff_ids`; missing for a step that changed only the config. */
  readonly layer?: number
  readonly diffId?: Digest
}

/**
 * History and layers side by side, from the bottom up. History is optional and may be wrong: layers that it does not
 * account for come last, without an entry; entries that claim a layer which is not there come without a layer.
 */
export function historySteps(config: ImageConfig): HistoryStep[] {
  const diffIds = config.rootfs.diff_ids
  const steps: HistoryStep[] = []
  let layer = 0
  for (const entry of config.history ?? []) {
    const diffId = entry.empty_layer ? undefined : diffIds[layer]
    steps.push(diffId === undefined ? { entry } : { entry, layer: layer++, diffId })
  }
  for (; layer < diffIds.length; layer++) steps.push({ layer, diffId: diffIds[layer]! })
  return steps
}
