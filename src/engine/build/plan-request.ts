import { type BuildSession, type PlanOptions, planBuild, type StageState, type Vertex } from '../../build/index.ts'
import { type Job, mapLimit } from '../../core/index.ts'
import { parseDockerfile } from '../../dockerfile/index.ts'
import type { LintWarning } from '../../lint/index.ts'
import type { Platform } from '../../oci/index.ts'
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
  warnings: readonly LintWarning[]
  /** Seconds since 1970. */
  epoch: number | undefined
  /** The same graphs again, none of whose steps are taken from the cache. */
  planAfresh(): Promise<PlannedPlatform[]>
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
  const options = { ...asked, buildArgs }
  const linter = linterOf(dockerfile, options)
  const [first, ...others] = platforms as [Platform, ...Platform[]]
  const plan = async (platform: Platform, changes: Partial<PlanOptions> = {}): Promise<PlannedPlatform> => {
    return ofPlatform(request, platform, await planBuild(dockerfile, { ...options, platform, ...changes }, sources))
  }
  const linted = planLinted(dockerfile, linter, { options, sources, ignore })
  const stage = await linted.finally(() => tellWarnings(linter.warnings(), task, job))
  const plans: PlannedPlatform[] = [ofPlatform(request, first, stage)]
  for (const platform of others) plans.push(await plan(platform))
  const planAfresh = () => mapLimit(platforms, 1, (platform) => plan(platform, { noCache: true }))
  const warnings = linter.warnings()
  await watcher?.planned(
    definition,
    plans.map((planned) => planned.stage.vertex),
  )
  return { definition, plans, warnings, epoch: request.epoch ?? epoch, planAfresh }
}

/** What was asked for by name counts, as with Docker; else an image is for the machines that its base is for. */
function ofPlatform({ platforms = [] }: BuildRequest, platform: Platform, stage: StageState): PlannedPlatform {
  if (platforms.length > 0 || !stage.base) return { platform, stage }
  const { os, architecture, variant } = stage.base.config
  return { platform: { os, architecture, ...(variant === undefined ? {} : { variant }) }, stage }
}
