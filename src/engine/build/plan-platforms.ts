import { type PlanOptions, type PlanSources, planBuild } from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import type { Dockerfile, Stage } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'
import { secretNameWarnings } from './secret-names.ts'
import type { PlannedPlatform } from './solve.ts'

/** A graph for each platform. What is to be said of a stage is said once. */
export async function planPlatforms(
  dockerfile: Dockerfile,
  options: PlanOptions,
  { platforms, sources }: { platforms: readonly Platform[]; sources: Omit<PlanSources, 'planned'> },
  job: Job,
): Promise<PlannedPlatform[]> {
  const seen = new Set<number>()
  const planned = (stage: Stage): void => {
    if (seen.has(stage.index)) return
    seen.add(stage.index)
    for (const warning of secretNameWarnings(stage)) job.progress(warning)
  }
  const plans: PlannedPlatform[] = []
  for (const platform of platforms) {
    const stage = await planBuild(dockerfile, { ...options, platform }, { ...sources, planned })
    plans.push({ platform, stage })
  }
  return plans
}
