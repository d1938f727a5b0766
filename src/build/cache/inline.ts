import { type Digest, fail, isJsonObject, parseJson } from '../../core/index.ts'
import { type ImageConfig, MEDIA } from '../../oci/index.ts'
import type { Lease, StepRecord, Store } from '../../store/index.ts'
import { parseCache, writeCache } from './document.ts'
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

/** Opens the caches in the configs of images whose layers are in the store. Fails with `CACHE_INVALID` when none has one. */
export function openInlineCache(
  { store, lease }: { store: Store; lease: Lease },
  configs: readonly Uint8Array[],
): CacheSource {
  const found = configs.flatMap(inlineSteps)
  if (found.length === 0) {
    throw fail('CACHE_INVALID', 'the image has no build cache in it', {
      hint: 'build it with --cache-to type=inline, or --build-arg BUILDKIT_INLINE_CACHE=1',
    })
  }
  const steps = new Map(found.map((step) => [step.key, step]))
  const operations = new Set(found.map((step) => step.opKey))
  return {
    knowsOperation: (opKey) => operations.has(opKey),
    async bring(key) {
      const step = steps.get(key)
      if (!step) return false
      lease.hold(step.diffIds)
      if (!step.diffIds.every((diffId) => store.layers.get(diffId))) return false
      store.steps.save(step)
      return true
    },
  }
}

function inlineSteps(config: Uint8Array): readonly StepRecord[] {
  const document = parseJson(config, { what: 'image config', maxBytes: MOST_BYTES })
  const text = isJsonObject(document) ? document[FIELD] : undefined
  return typeof text === 'string' ? parseCache(Buffer.from(text, 'base64')).steps : []
}
