import { type PlanOptions, planBuild } from '../../build/index.ts'
import type { Dockerfile } from '../../dockerfile/index.ts'
import type { Linter } from '../../lint/index.ts'
import type { Platform } from '../../oci/index.ts'
import { type PlanRequest, planLinted } from './lint.ts'
import type { PlannedPlatform } from './solve.ts'

/** A graph for each platform. The linter listens to the first: what it says of the others is the same. */
export async function planPlatforms(
  dockerfile: Dockerfile,
  linter: Linter,
  request: PlanRequest,
  platforms: readonly Platform[],
): Promise<PlannedPlatform[]> {
  const plans: PlannedPlatform[] = []
  for (const platform of platforms) {
    const options: PlanOptions = { ...request.options, platform }
    const stage =
      plans.length === 0
        ? await planLinted(dockerfile, linter, { ...request, options })
        : await planBuild(dockerfile, options, request.sources)
    plans.push({ platform, stage })
  }
  return plans
}
