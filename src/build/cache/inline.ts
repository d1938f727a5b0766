import { type Digest, fail, isJsonObject, parseJson } from '../../core/index.ts'
import { type Descriptor, type ImageConfig, type ImageSource, MEDIA } from '../../oci/index.ts'
import type { Lease, StepRecord, Store } from '../../store/index.ts'
import { parseCache, writeCache } from './document.ts'
import { bringStep } from './import.ts'
import type { CacheSource } from './source.ts'

/** Where BuildKit keeps a cache in the config of an image (moby/buildkit, cache/remotecache/inline). */
const FIELD = 'moby.buildkit.cache.v0'
const MOST_BYTES = 64 << 20

/** The config with those of these steps in it whose layers the image has. */
export function withInlineCache(store: Store, config: ImageConfig, keys: readonly Digest[]): ImageConfig {
  const own = new Set(config.rootfs.diff_ids)
  const steps = [...new Set(keys)]
    .flatMap((key) => store.steps.get(key) ?? [])
    .filter(({ diffIds }) => diffIds.every((diffId) => own.has(diffId)))
  const layers = [...new Set(steps.flatMap(({ diffIds }) => diffIds))].map((diffId) => ({
    diffId,
    descriptor: { mediaType: MEDIA.ociLayer, digest: diffId, size: store.layers.get(diffId)?.size ?? 0 },
  }))
  const field = { [FIELD]: writeCache({ steps, layers }).toString('base64') }
  return { ...config, ...field }
}

/** An image that may carry a build cache. */
export interface CachedImage {
  config: Uint8Array
  /** Its layers by diffId, to read from the source; missing for an image whose layers are in the store. */
  layers?: ReadonlyMap<Digest, Descriptor>
}

/**
 * Opens the caches in the configs of images. Layers are read from the source when a step needs them, or are in the store.
 * Fails with `CACHE_INVALID` when none has one.
 */
export function openInlineCache(
  { store, lease, source }: { store: Store; lease: Lease; source?: ImageSource },
  images: readonly CachedImage[],
): CacheSource {
  const found = images.flatMap(({ config }) => inlineSteps(config))
  if (found.length === 0) {
    throw fail('CACHE_INVALID', 'the image has no build cache in it', {
      hint: 'build it with --cache-to type=inline, or --build-arg BUILDKIT_INLINE_CACHE=1',
    })
  }
  const steps = new Map(found.map((step) => [step.key, step]))
  const operations = new Set(found.map((step) => step.opKey))
  const layers = new Map(images.flatMap((image) => [...(image.layers ?? [])]))
  return {
    knowsOperation: (opKey) => operations.has(opKey),
    async bring(key, task, job) {
      const step = steps.get(key)
      if (!step) return false
      lease.hold(step.diffIds)
      if (step.diffIds.every((diffId) => store.layers.get(diffId))) store.steps.save(step)
      else if (!source || !step.diffIds.every((diffId) => layers.has(diffId))) return false
      else await bringStep({ store, lease, source }, step, { layers, task }, job)
      return true
    },
  }
}

function inlineSteps(config: Uint8Array): readonly StepRecord[] {
  const document = parseJson(config, { what: 'image config', maxBytes: MOST_BYTES })
  const text = isJsonObject(document) ? document[FIELD] : undefined
  return typeof text === 'string' ? parseCache(Buffer.from(text, 'base64')).steps : []
}
