import type { PlanSources, ResolvedImage } from '../../build/index.ts'
import { fail, hasCode, type Job, OncePerKey, runTask, type SlipwayError, type SourceSpan } from '../../core/index.ts'
import {
  type Descriptor,
  formatPlatform,
  formatReference,
  type Platform,
  parseReference,
  readImage,
  withDefaultTag,
} from '../../oci/index.ts'
import { type LayerRecord, type Lease, openRepository, type Store } from '../../store/index.ts'
import { imageMissing, type Pins } from './lock/pins.ts'

/** Of an image, as `images` shows it or longer: what is shorter is a name. */
const IMAGE_ID = /^(sha256:)?[0-9a-f]{12,64}$/

/** An image as the user wrote it, and its full name. */
interface Asked {
  text: string
  name: string
}

/**
 * Base images come from the store, each of them once for a platform, in the variant for it when there are several. With
 * `pins` a name means what they say. Fails in BuildKit's words for one that is not there.
 */
export function imageResolver(
  store: Store,
  lease: Lease,
  options: { namesPlatform: boolean; pins?: Pins | undefined },
  job: Job,
): PlanSources['image'] {
  const { namesPlatform, pins } = options
  const once = new OncePerKey<string, ResolvedImage>()
  const resolve = (text: string, platform: Platform, span: SourceSpan): Promise<ResolvedImage> => {
    const name = referenceOf(text, span)
    const where = namesPlatform ? `${formatPlatform(platform)} internal` : 'internal'
    const task = { id: `${where} metadata ${name}`, name: `[${where}] load metadata for ${name}` }
    return runTask(job, task, async () => {
      const pin = pins?.image(name, platform, span)
      const root = pin ? await findContent(store, lease, pin) : await findImage(store, lease, { name, text })
      if (!root && pin) {
        const now = await findImage(store, lease, { name, text })
        throw imageMissing(name, pin, now?.digest, span)
      }
      if (!root) throw missingBase({ name, text }, span)
      const image = await readBase(store, lease, { root, name, text, platform, span }, job)
      return { ...image, name: `${name.replace(/@.*/, '')}@${root.digest}` }
    })
  }
  return async (text, platform, span) =>
    once.get(`${formatPlatform(platform)} ${text}`, () => resolve(text, platform, span))
}

/** The config and the layers of an image that is in the store, for one platform. */
export async function readBase(
  store: Store,
  lease: Lease,
  about: Asked & { root: Descriptor; platform: Platform; span: SourceSpan },
  job: Job,
): Promise<Omit<ResolvedImage, 'name'>> {
  const { root, name, text, platform, span } = about
  try {
    const { descriptor, config } = await readImage(openRepository(store, lease), root, platform, job)
    const layers = config.rootfs.diff_ids.map((diffId) => store.layers.get(diffId))
    if (!layers.every((layer): layer is LayerRecord => layer !== undefined)) throw missingBase({ name, text }, span)
    return { manifest: descriptor.digest, config, layers }
  } catch (error) {
    if (hasCode(error, 'PLATFORM_NOT_FOUND')) throw noPlatform({ name, text }, error, span)
    // of an index, not all platforms need be here
    if (hasCode(error, 'BLOB_NOT_FOUND')) throw missingBase({ name, text }, span)
    throw error
  }
}

async function findImage(store: Store, lease: Lease, { name, text }: Asked): Promise<Descriptor | undefined> {
  const found = store.atomically(() => {
    const image = store.images.named(name) ?? (IMAGE_ID.test(text) ? store.images.find(text)?.image : undefined)
    if (image) lease.hold([image.descriptor.digest])
    return image?.descriptor
  })
  const { digest } = parseReference(name)
  return found ?? (digest && findContent(store, lease, digest))
}

/** A manifest or an index by its digest, whatever it is called here. */
async function findContent(store: Store, lease: Lease, digest: Descriptor['digest']): Promise<Descriptor | undefined> {
  lease.hold([digest])
  try {
    return await openRepository(store, lease).resolve(digest)
  } catch (error) {
    if (hasCode(error, 'IMAGE_NOT_FOUND')) return undefined
    throw error
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

function missingBase({ name, text }: Asked, span: SourceSpan): Error {
  return fail('IMAGE_NOT_FOUND', `${text}: failed to resolve source metadata for ${name}: not found in the store`, {
    span,
    hint: `make a base with "slipway bootstrap debian" or "slipway bootstrap busybox", or bring the image with "slipway load -i FILE"`,
  })
}

/** BuildKit's words. The hint says which platforms there are. */
function noPlatform({ name, text }: Asked, cause: SlipwayError, span: SourceSpan): Error {
  const { hint, data } = cause
  const message = `${text}: failed to resolve source metadata for ${name}: no match for platform in manifest: not found`
  return fail('PLATFORM_NOT_FOUND', message, { span, data, cause, ...(hint === undefined ? {} : { hint }) })
}
