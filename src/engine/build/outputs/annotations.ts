import { fail } from '../../../core/index.ts'
import { formatPlatform, normalizePlatform, type Platform } from '../../../oci/index.ts'
import type { Annotation } from './output.ts'

/** What is to be written in one place, for one platform where that matters; `undefined` for nothing. */
export function annotationsOn(
  annotations: readonly Annotation[] = [],
  place: Annotation['on'],
  platform?: Platform,
): { annotations: Record<string, string> } | undefined {
  const wanted = annotations.filter(
    ({ on, platform: only }) => on === place && (!only || !platform || nameOf(only) === nameOf(platform)),
  )
  if (wanted.length === 0) return undefined
  return { annotations: Object.fromEntries(wanted.map(({ key, value }) => [key, value])) }
}

/** An image that is no index has no place for some. Fails with `OUTPUT_INVALID`, in BuildKit's words. */
export function refuseIndexAnnotations(annotations: readonly Annotation[] = []): void {
  if (!annotations.some(({ on }) => on === 'index' || on === 'index-descriptor')) return
  throw fail('OUTPUT_INVALID', 'index annotations not supported for single platform export', {
    hint: 'Build with --build-arg BUILDKIT_MULTI_PLATFORM=1 to get an index.',
  })
}

const nameOf = (platform: Platform): string => formatPlatform(normalizePlatform(platform))
