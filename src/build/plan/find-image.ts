import { fail, hasCode, type SourceSpan } from '../../core/index.ts'
import { didYouMean } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { PlanContext, ResolvedImage } from './context.ts'

/** Names that typing errors are compared with, beside those of stages. */
const WELL_KNOWN = ['alpine', 'busybox', 'centos', 'debian', 'golang', 'ubuntu', 'fedora']

/**
 * Finds an image that a Dockerfile names. Fails with `IMAGE_NOT_FOUND`, and says which stage or well-known image may
 * have been meant.
 */
export async function findImage(
  context: PlanContext,
  name: string,
  platform: Platform,
  span: SourceSpan,
): Promise<ResolvedImage> {
  try {
    return await context.sources.image(name, platform, span)
  } catch (cause) {
    if (!hasCode(cause, 'IMAGE_NOT_FOUND')) throw cause
    const stages = context.dockerfile.stages.map((stage) => stage.name ?? `stage-${stage.index}`)
    const suggestion = didYouMean(name, [...stages, ...WELL_KNOWN.flatMap((known) => [known, `${known}:latest`])])
    if (suggestion === '') throw cause
    const { message, hint = '', data } = cause
    throw fail('IMAGE_NOT_FOUND', message + suggestion, { span, hint, data, cause })
  }
}
