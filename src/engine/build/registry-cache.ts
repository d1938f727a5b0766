import { type CacheExport, type CacheSource, exportCache, openCache, openInlineCache } from '../../build/index.ts'
import { hasCode, type Job, runTask } from '../../core/index.ts'
import {
  formatReference,
  type ImageSource,
  type Platform,
  parseReference,
  readConfig,
  readImage,
  withDefaultTag,
} from '../../oci/index.ts'
import type { Lease } from '../../store/index.ts'
import { type Household, openRemote } from '../registry/repository.ts'

interface Places extends Household {
  lease: Lease
}

/** Opens a cache in a registry: one that was exported there, or one that an image carries. Layers stay there until needed. */
export async function openRegistryCache(
  household: Places,
  { name, platforms }: { name: string; platforms: readonly Platform[] },
  job: Job,
): Promise<CacheSource> {
  const reference = withDefaultTag(parseReference(name))
  const { store, lease } = household
  const places = { store, lease, source: openRemote(household, reference, { access: 'pull' }) }
  const ref = reference.digest ?? reference.tag!
  try {
    return await openCache(places, ref, job)
  } catch (error) {
    if (!hasCode(error, 'CACHE_INVALID')) throw error
    return openInlineCache(places, await imagesOf(places.source, ref, platforms, job))
  }
}

async function imagesOf(source: ImageSource, ref: string, platforms: readonly Platform[], job: Job) {
  const root = await source.resolve(ref, job)
  const images: Parameters<typeof openInlineCache>[1][number][] = []
  for (const platform of platforms) {
    try {
      const { config, manifest } = await readImage(source, root, platform, job)
      const layers = new Map(config.rootfs.diff_ids.map((diffId, at) => [diffId, manifest.layers[at]!]))
      images.push({ config: (await readConfig(source, manifest.config, job)).bytes, layers })
    } catch (error) {
      // an image need not be there for each platform
      if (!hasCode(error, 'PLATFORM_NOT_FOUND')) throw error
    }
  }
  return images
}

/** Writes a cache into a registry, under the tag of the name. */
export async function exportToRegistry(
  places: Places,
  name: string,
  what: Omit<CacheExport, 'tag'>,
  job: Job,
): Promise<void> {
  const reference = withDefaultTag(parseReference(name))
  await using target = openRemote(places, reference, { access: 'push' })
  const { tag = 'latest' } = reference
  const { digest } = await exportCache({ ...places, target }, { ...what, tag }, job)
  const named = formatReference({ ...reference, tag })
  const written = `writing cache manifest ${digest} to ${named}`
  await runTask(job, { id: `${what.task} ${digest}`, name: written, parent: what.task }, async () => {})
}
