import { BuildSession, createRunners, createSolver } from '../../build/index.ts'
import type { Digest, Job } from '../../core/index.ts'
import { formatPlatform, type HistoryStep, historySteps } from '../../oci/index.ts'
import type { Store } from '../../store/index.ts'
import { compareLayers, type FileDifference } from './compare-layers.ts'
import type { BuildContexts } from './context/contexts.ts'
import type { FinishedBuild, PackedImage } from './finished.ts'
import { packBuild } from './outputs/pack.ts'
import type { BuildRequest } from './request.ts'
import { type PlannedPlatform, solvePlatforms, solverOptions } from './solve.ts'

/** What came of building again without the cache. */
export interface Verification {
  reproducible: boolean
  /** One for each layer that came out otherwise, and for each image whose config did though its layers did not. */
  differences: readonly LayerDifference[]
}

/** Where two builds of the same differ. */
export interface LayerDifference {
  platform: string
  /** The step that made the layer; missing for a difference of the config. */
  createdBy?: string
  layers?: { first: Digest; second: Digest }
  /** Missing when only the form of the archives differs, or the config. */
  file?: FileDifference
}

/**
 * Builds again, without the cache and without remembering anything, and compares. What it makes is in a lease of its
 * own, and goes with the next collection.
 */
export async function verifyBuild(
  finished: FinishedBuild,
  again: { store: Store; request: BuildRequest; plans: readonly PlannedPlatform[]; contexts: BuildContexts },
  job: Job,
): Promise<Verification> {
  const { store, request, plans, contexts } = again
  using lease = store.lease()
  await using session = new BuildSession(store, lease, { secrets: request.secrets ?? {}, agents: request.ssh ?? {} })
  const runners = createRunners(session, contexts)
  const options = { ...solverOptions(request, lease), forgets: true }
  const second = await solvePlatforms((stoppable) => createSolver(runners, store, options, stoppable), plans, job)
  return await compareBuilds(store, finished, { ...finished, ...second, lease }, job)
}

/** Compares two finished builds of the same, as images: with the times that their epoch gives them. */
async function compareBuilds(
  store: Store,
  first: FinishedBuild,
  second: FinishedBuild,
  job: Job,
): Promise<Verification> {
  const [before, after] = [await pack(store, first, job), await pack(store, second, job)]
  const differences: LayerDifference[] = []
  for (const [at, image] of before.entries()) differences.push(...(await compareImages(store, image, after[at]!, job)))
  return { reproducible: differences.length === 0, differences }
}

async function pack(store: Store, finished: FinishedBuild, job: Job): Promise<readonly PackedImage[]> {
  return (await packBuild(store, finished, { attach: false }, job)).images
}

async function compareImages(
  store: Store,
  first: PackedImage,
  second: PackedImage,
  job: Job,
): Promise<LayerDifference[]> {
  const platform = formatPlatform(first.platform)
  const differences: LayerDifference[] = []
  const [left, right] = [layerSteps(first), layerSteps(second)]
  for (const [at, step] of left.entries()) {
    const other = right[at]?.diffId
    if (!other || step.diffId === other) continue
    const layers = { first: step.diffId!, second: other }
    const file = await compareLayers(store, layers, job)
    const createdBy = step.entry?.created_by
    differences.push({ platform, layers, ...(createdBy ? { createdBy } : {}), ...(file ? { file } : {}) })
  }
  // times of steps are left to themselves where there is no epoch: they are when the step ran
  if (differences.length === 0 && timeless(first) !== timeless(second)) differences.push({ platform })
  return differences
}

function layerSteps({ config }: PackedImage): HistoryStep[] {
  return historySteps(config).filter(({ diffId }) => diffId !== undefined)
}

function timeless({ config }: PackedImage): string {
  const history = (config.history ?? []).map(({ created: _, ...entry }) => entry)
  return JSON.stringify({ ...config, created: undefined, history })
}
