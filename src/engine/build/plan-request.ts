import { type BuildSession, type PlanOptions, planBuild, type Vertex } from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { parseDockerfile } from '../../dockerfile/index.ts'
import type { LintWarning } from '../../lint/index.ts'
import { type Definition, loadDefinition } from './definition.ts'
import { resolveEpoch } from './epoch.ts'
import { linterOf, planLinted, tellWarnings } from './lint.ts'
import { planOptions, targetPlatforms } from './plan-options.ts'
import { planSources } from './plan-sources.ts'
import type { BuildRequest } from './request.ts'
import type { PlannedPlatform } from './solve.ts'
import { checkSyntax } from './syntax.ts'

/** Hears what a build depends on, before it reads any of it. */
export interface BuildWatcher {
  /** The Dockerfile and the contexts are found. */
  defined(definition: Definition): Promise<void>
  /** The graph is known: its last vertex for each platform. */
  planned(definition: Definition, vertices: readonly Vertex[]): Promise<void>
}

/** A request whose graph is known. */
export interface PlannedRequest {
  definition: Definition
  /** One for each platform. */
  plans: PlannedPlatform[]
  /** The stages that the target needs, by number. */
  stages: ReadonlySet<number>
  warnings: readonly LintWarning[]
  /** Seconds since 1970. */
  epoch: number | undefined
}

/**
 * Finds and understands the Dockerfile, and makes a graph of it for each platform. What the checks find is told, also
 * when planning fails. The linter listens to the first platform: what it says of the others is the same.
 */
export async function planRequest(
  session: BuildSession,
  { request, watcher }: { request: BuildRequest; watcher?: BuildWatcher | undefined },
  job: Job,
): Promise<PlannedRequest> {
  const definition = await loadDefinition(session, request, job)
  const { source, contexts, ignore, task } = definition
  await watcher?.defined(definition)
  checkSyntax(source, request.buildArgs)
  const dockerfile = parseDockerfile(source)
  const platforms = targetPlatforms(request)
  const asked = planOptions(request, platforms[0]!)
  const sources = planSources(session, request, definition, job)
  const { epoch, buildArgs } = await resolveEpoch({ session, dockerfile, options: asked, sources, contexts }, job)
  const linter = linterOf(dockerfile, { ...asked, buildArgs })
  const stages = new Set<number>()
  const listener = { begun: ({ index }: { index: number }): void => void stages.add(index) }
  const plans: PlannedPlatform[] = []
  try {
    for (const platform of platforms) {
      const options: PlanOptions = { ...asked, buildArgs, platform }
      const stage =
        plans.length === 0
          ? await planLinted(dockerfile, linter, { options, sources, ignore, listener })
          : await planBuild(dockerfile, options, sources)
      plans.push({ platform, stage })
    }
  } finally {
    tellWarnings(linter.warnings(), task, job)
  }
  await watcher?.planned(
    definition,
    plans.map(({ stage }) => stage.vertex),
  )
  return { definition, plans, stages, warnings: linter.warnings(), epoch: request.epoch ?? epoch }
}
