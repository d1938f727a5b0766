import { collectBytes, type Digest, fail, type Job } from '../../core/index.ts'
import { type Descriptor, type ImageSource, readImageDocument } from '../../oci/index.ts'
import type { Lease, StepRecord, Store } from '../../store/index.ts'
import { CACHE_CONFIG, parseCache } from './document.ts'
import type { CacheSource } from './source.ts'

const MOST_BYTES = 64 << 20

/**
 * Opens a cache that `exportCache` wrote. Layers are only read when a step needs them. Fails with `CACHE_INVALID` and
 * with what the source fails with.
 */
export async function openCache(
  places: { store: Store; lease: Lease; source: ImageSource },
  reference: string,
  job: Job,
): Promise<CacheSource> {
  const { source } = places
  const root = await source.resolve(reference, job)
  const { document } = await readImageDocument(source, root, job)
  const candidates = document.kind === 'manifest' ? [document.manifest.config] : document.index.manifests
  const config = candidates.find((descriptor) => descriptor.mediaType === CACHE_CONFIG)
  if (!config) throw fail('CACHE_INVALID', 'this is not a build cache: it has no cache config')
  const tooLarge = (): Error => fail('CACHE_INVALID', `this is not a build cache: larger than ${MOST_BYTES} bytes`)
  const content = parseCache(await collectBytes(source.read(config, undefined, job), MOST_BYTES, tooLarge))
  const steps = new Map(content.steps.map((step) => [step.key, step]))
  const operations = new Set(content.steps.map((step) => step.opKey))
  const layers = new Map(content.layers.map((layer) => [layer.diffId, layer.descriptor]))
  return {
    knowsOperation: (opKey) => operations.has(opKey),
    async bring(key, task, job) {
      const step = steps.get(key)
      if (!step?.diffIds.every((diffId) => layers.has(diffId))) return false
      await bringStep(places, step, { layers, task }, job)
      return true
    },
  }
}

/** Brings the layers of a step that are missing, and remembers the step. Fails with `CONTENT_MISMATCH` for a layer that is another. */
export async function bringStep(
  { store, lease, source }: { store: Store; lease: Lease; source: ImageSource },
  step: StepRecord,
  { layers, task }: { layers: ReadonlyMap<Digest, Descriptor>; task: string },
  job: Job,
): Promise<void> {
  for (const diffId of step.diffIds) {
    lease.hold([diffId])
    if (store.layers.get(diffId)) continue
    const descriptor = layers.get(diffId)!
    const options = { lease, task, total: descriptor.size }
    const { record } = await store.layers.import(source.read(descriptor, undefined, job), options, job)
    if (record.diffId !== diffId) {
      throw fail('CONTENT_MISMATCH', `layer ${descriptor.digest} of the build cache is ${record.diffId}, not ${diffId}`)
    }
  }
  store.steps.save(step)
}
