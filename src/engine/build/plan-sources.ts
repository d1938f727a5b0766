import type { BuildSession, PlanSources } from '../../build/index.ts'
import type { Job } from '../../core/index.ts'
import { imageResolver } from './base-images.ts'
import type { Definition } from './definition.ts'
import { isMultiPlatform } from './plan-options.ts'
import type { BuildRequest } from './request.ts'

/** Where planning finds images and named contexts, and what a lock says of them. */
export function planSources(
  session: BuildSession,
  request: BuildRequest,
  { contexts, pins }: Definition,
  job: Job,
): Omit<PlanSources, 'listener'> {
  const { store, lease } = session
  const { pull, registries } = request
  const options = { namesPlatform: isMultiPlatform(request), pins, pull, registries }
  const image = imageResolver(store, lease, options, job)
  return { image, named: contexts.resolver(image, job), ...(pins ? { pins } : {}) }
}
