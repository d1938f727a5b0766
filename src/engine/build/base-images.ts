import type { PlanSources, ResolvedImage } from '../../build/index.ts'
import { fail, hasCode, type Job, runTask, type SourceSpan } from '../../core/index.ts'
import { formatReference, type Platform, parseReference, withDefaultTag } from '../../oci/index.ts'
import type { LayerRecord, Lease, Store } from '../../store/index.ts'

/** Of an image, as `images` shows it or longer: what is shorter is a name. */
const IMAGE_ID = /^(sha256:)?[0-9a-f]{12,64}$/

/** Base images come from the store. BuildKit's words for one that is not there. */
export function imageResolver(store: Store, lease: Lease, job: Job): PlanSources['image'] {
  return async (text: string, platform: Platform, span: SourceSpan): Promise<ResolvedImage> => {
    const name = referenceOf(text, span)
    const task = { id: `metadata ${name}`, name: `[internal] load metadata for ${name}` }
    return runTask(job, task, async () => {
      const image = store.atomically(() => {
        const found = store.images.named(name) ?? (IMAGE_ID.test(text) ? store.images.find(text)?.image : undefined)
        if (found) lease.hold([found.descriptor.digest])
        return found
      })
      if (!image) throw missingBase(text, name, span)
      const { config } = store.images.config(image, platform)
      const layers = config.rootfs.diff_ids.map((diffId) => store.layers.get(diffId))
      if (!layers.every((layer): layer is LayerRecord => layer !== undefined)) throw missingBase(text, name, span)
      return { name: `${name.replace(/@.*/, '')}@${image.descriptor.digest}`, config, layers }
    })
  }
}

function referenceOf(text: string, span: SourceSpan): string {
  try {
    return formatReference(withDefaultTag(parseReference(text)))
  } catch (error) {
    if (!hasCode(error, 'REFERENCE_INVALID')) throw error
    throw fail('REFERENCE_INVALID', `failed to parse stage name "${text}": ${error.message}`, { span, cause: error })
  }
}

function missingBase(text: string, name: string, span: SourceSpan): Error {
  return fail('IMAGE_NOT_FOUND', `${text}: failed to resolve source metadata for ${name}: not found in the store`, {
    span,
    hint: `make a base with "slipway bootstrap debian" or "slipway bootstrap busybox", or bring the image with "slipway load -i FILE"`,
  })
}
