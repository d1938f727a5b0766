import { type Solver, type SolverOptions, type StageState, secretValues } from '../../build/index.ts'
import { type Job, mapLimit } from '../../core/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { LayerRecord, Lease } from '../../store/index.ts'
import type { BuildRequest } from './request.ts'

/** What to build for one platform. */
export interface PlannedPlatform {
  /** What the image says it is for. */
  platform: Platform
  stage: StageState
}

/** What was built for one platform; the layers are in the store, those of the base among them, bottom first. */
export interface BuiltPlatform extends PlannedPlatform {
  layers: readonly LayerRecord[]
}

/**
 * Solves all platforms together: what they share is done once. The first failure stops the others, and is thrown when
 * nothing runs any more, so that their folders can go.
 */
export async function solvePlatforms(
  createSolver: (job: Job) => Solver,
  plans: readonly PlannedPlatform[],
  job: Job,
): Promise<{ solver: Solver; built: BuiltPlatform[] }> {
  const failed = new AbortController()
  const signal = job.signal ? AbortSignal.any([job.signal, failed.signal]) : failed.signal
  const solver = createSolver({ progress: (event) => job.progress(event), signal })
  try {
    const values = await mapLimit(plans, plans.length, async ({ stage }) => {
      try {
        return await solver.solve(stage.vertex)
      } catch (error) {
        failed.abort(error)
        throw error
      }
    })
    await solver.settle()
    const layersOf = values.map((value) =>
      value.kind === 'layers' ? Promise.all(value.layers.map((layer) => layer.committed)) : [],
    )
    const layers = await Promise.all(layersOf)
    return { solver, built: plans.map((plan, at) => ({ ...plan, layers: layers[at]! })) }
  } catch (error) {
    await solver.settle().catch(() => {})
    throw error
  }
}

/** How the steps of a request are solved. */
export function solverOptions({ parallelism, buildArgs }: BuildRequest, lease: Lease): SolverOptions {
  return { now: Date.now, lease, secrets: secretValues(buildArgs), ...(parallelism ? { parallelism } : {}) }
}
