import type { PlanSources, ResolvedImage } from '../../build/index.ts'
import { fail, hasCode, type Job, OncePerKey, type ProgressEvent, runTask, type SourceSpan } from '../../core/index.ts'
import {
  type Descriptor,
  familiarReference,
  formatPlatform,
  formatReference,
  matchesPlatform,
  type Platform,
  parseReference,
  readImage,
  withDefaultTag,
} from '../../oci/index.ts'
import { type LayerRecord, type Lease, openRepository, type Store } from '../../store/index.ts'
import type { Pins } from './lock/pins.ts'

/** Of an image, as `images` shows it or longer: what is shorter is a name. */
const IMAGE_ID = /^(sha256:)?[0-9a-f]{12,64}$/

/** BuildKit's words (dockerfile2llb: rule InvalidBaseImagePlatform). */
function otherPlatform(name: string, wanted: Platform, found: Platform, span: SourceSpan): ProgressEvent {
  const [expected, pulled] = [formatPlatform(wanted), formatPlatform(found)]
  const message = `Base image ${name} was pulled with platform "${pulled}", expected "${expected}" for current build`
  return { type: 'warning', code: 'InvalidBaseImagePlatform', message, span }
}

/**
 * Base images come from the store, each of them once for a platform, in the variant for it when there are several. With
 * `pins` a name means what they say. Fails in BuildKit's words for one that is not there.
 */
export function imageResolver(
  store: Store,
  lease: Lease,
  options: { namesPlatform: boolean; pins?: Pins },
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
      if (!root) throw pin ? pins!.imageMissing(name, pin, span) : missingBase(name, span)
      const image = await readBase(store, lease, { root, name, platform, span }, job)
      if (!matchesPlatform(platform, image.config)) job.progress(otherPlatform(text, platform, image.config, span))
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
  about: { root: Descriptor; name: string; platform: Platform; span: SourceSpan },
  job: Job,
): Promise<Omit<ResolvedImage, 'name'>> {
  const { root, name, platform, span } = about
  try {
    const { descriptor, config } = await readImage(openRepository(store, lease), root, platform, job)
    const layers = config.rootfs.diff_ids.map((diffId) => store.layers.get(diffId))
    if (!layers.every((layer): layer is LayerRecord => layer !== undefined)) throw missingBase(name, span)
    return { manifest: descriptor.digest, config, layers }
  } catch (error) {
    if (hasCode(error, 'PLATFORM_NOT_FOUND')) throw noPlatform(name, error, span)
    // of an index, not all platforms need be here
    if (hasCode(error, 'BLOB_NOT_FOUND')) throw missingBase(name, span)
    throw error
  }
}

async function findImage(
  store: Store,
  lease: Lease,
  { name, text }: { name: string; text: string },
): Promise<Descriptor | undefined> {
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

function missingBase(name: string, span: SourceSpan): Error {
  const short = familiarReference(parseReference(name))
  return fail('IMAGE_NOT_FOUND', `${short}: failed to resolve source metadata for ${name}: not found in the store`, {
    span,
    hint: `make a base with "slipway bootstrap debian" or "slipway bootstrap busybox", or bring the image with "slipway load -i FILE"`,
  })
}

/** BuildKit's words. The hint says which platforms there are. */
function noPlatform(
  name: string,
  { hint, data, ...error }: Error & { hint: string | undefined; data: object },
  span: SourceSpan,
): Error {
  const short = familiarReference(parseReference(name))
  const message = `${short}: failed to resolve source metadata for ${name}: no match for platform in manifest: not found`
  return fail('PLATFORM_NOT_FOUND', message, {
    span,
    data: { ...data },
    cause: error,
    ...(hint === undefined ? {} : { hint }),
  })
}
