import { readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Machine } from '../../container/index.ts'
import { digestOf, type Job, yieldToEvents } from '../../core/index.ts'
import type { LayerFiles } from '../../layer/index.ts'
import type { LayerRecord } from '../../store/index.ts'
import type { BuildSession } from '../session.ts'
import { diffIdsOf, type LayerRef } from '../values.ts'
import { findSameResult } from './same-result.ts'

/** What a step left behind. */
interface CommitStep {
  /** Of its snapshot. */
  key: string
  /** What it ran on. */
  base: readonly LayerRef[]
  /** When it ran, Unix milliseconds. */
  ran: { from: number; to: number }
}

/**
 * Turns what a step wrote into a layer, without making the next step wait: until the layer is stored, the directory
 * stands in for it. The directory goes when the layer is stored and nobody has it mounted any more.
 */
export function commitBehind(session: BuildSession, machine: Machine, step: CommitStep, job: Job): LayerRef {
  const { snapshotter } = machine
  let users = 1
  const release = (): void => {
    if (--users === 0) snapshotter.remove(step.key)
  }
  let underWay = true
  const committed = commit(session, machine, step, job).then((record) => {
    underWay = false
    release()
    return record
  })
  committed.catch(() => {}) // whoever needs the layer sees it
  const pending = { directory: snapshotter.upper(step.key), use: () => takeUse() }
  const takeUse = (): (() => void) => {
    users++
    return release
  }
  return { committed, pending: () => (underWay ? pending : undefined) }
}

/** The layers below are waited for: what is new can only be told by looking at them. */
async function commit(session: BuildSession, machine: Machine, step: CommitStep, job: Job): Promise<LayerRecord> {
  const { store, lease } = session
  const upper = machine.snapshotter.upper(step.key)
  const empty = readdirSync(upper).length === 0 ? storedEmptyLayer(session) : undefined
  if (empty) return empty
  // the keeper does one thing at a time: the next step is started first, and this is done while it runs
  await yieldToEvents()
  const lower = await store.layers.indexes(await diffIdsOf(step.base), job)
  const files = store.layers.temporary(lease)
  const blobs = path.join(store.layout.root, 'blobs')
  const request = { upper, lower, blobs, files }
  try {
    const summary = await machine.keeper.call('commit', request, job)
    const same = await findSameResult(session, { tar: files.tar, summary, ran: step.ran }, job)
    if (same) removeFiles(files)
    return same ?? store.layers.adopt(files, summary, lease)
  } catch (error) {
    removeFiles(files)
    throw error
  }
}

function removeFiles(files: LayerFiles): void {
  for (const file of Object.values(files)) rmSync(file, { force: true })
}

// the end of an archive: two blocks of zeros
const EMPTY_LAYER = digestOf(Buffer.alloc(1024))

/** What a step leaves that writes nothing (a test, say), as soon as there was one before. */
function storedEmptyLayer({ store, lease }: BuildSession): LayerRecord | undefined {
  lease.hold([EMPTY_LAYER])
  return store.layers.get(EMPTY_LAYER)
}
