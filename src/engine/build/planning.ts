import type { BuildSession, PlanOptions, PlanSources } from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import type { Lease, Store } from '../../store/index.ts'
import { imageResolver } from './base-images.ts'
import { type Definition, loadDefinition } from './definition.ts'
import { isMultiPlatform, planOptions, targetPlatforms } from './plan-options.ts'
import type { BuildRequest } from './request.ts'
import { checkSyntax } from './syntax.ts'

/** Where planning takes what it needs. */
export interface PlanningPlace {
  store: Store
  lease: Lease
  session: BuildSession
}

/** All that planning needs beside a Dockerfile that was understood. */
export interface Planning {
  definition: Definition
  /** For the first platform. */
  options: PlanOptions
  sources: PlanSources
}

/** Reads the definition and gets ready to plan it. Fails as `loadDefinition` does, and with `SYNTAX_UNKNOWN`. */
export async function openPlanning(place: PlanningPlace, request: BuildRequest, job: Job): Promise<Planning> {
  const { store, lease, session } = place
  const definition = await loadDefinition(session, request, job)
  const { source, contexts, pins } = definition
  checkSyntax(source, request.buildArgs)
  const image = imageResolver(store, lease, { namesPlatform: isMultiPlatform(request), pins }, job)
  const sources = { image, named: contexts.resolver(image, job), ...(pins ? { pins } : {}) }
  return { definition, options: planOptions(request, targetPlatforms(request)[0]!), sources }
}
