import type { PlanSources, ResolvedImage } from '../../build/index.ts'
import {
  type Digest,
  fail,
  hasCode,
  type Job,
  OncePerKey,
  runTask,
  SlipwayError,
  type SourceSpan,
} from '../../core/index.ts'
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
import type { Household } from '../registry/repository.ts'
import { imageMissing, type Pins } from './lock/pins.ts'

/** Of an image, as `images` shows it or longer: what is shorter is a name. */
const IMAGE_ID = /^(sha256:)?[0-9a-f]{12,64}$/

/** An image as the user wrote it, and its full name. */
interface Asked {
  text: string
  name: string
}

/** When base images are asked of registries: always, when they are not in the store, or never. */
export type PullPolicy = 'always' | 'missing' | 'never'

/** How base images are found. */
interface ResolverOptions extends Pick<Household, 'registries'> {
  namesPlatform: boolean
  pins?: Pins | undefined
  pull?: PullPolicy | undefined
}

/**
 * Base images come from the store, or from their registry first, each of them once for a platform, in the variant for it
 * when there are several. With `pins` a name means what they say. Fails in BuildKit's words for one that is not there.
 */
export function imageResolver(store: Store, lease: Lease, options: ResolverOptions, job: Job): PlanSources['image'] {
  const { namesPlatform, pins, pull = 'missing', registries } = options
  const once = new OncePerKey<string, ResolvedImage>()
  const resolve = (text: string, platform: Platform, span: SourceSpan): Promise<ResolvedImage> => {
    const name = referenceOf(text, span)
    const where = namesPlatform ? `${formatPlatform(platform)} internal` : 'internal'
    const task = { id: `${where} metadata ${name}`, name: `[${where}] load metadata for ${name}` }
    return runTask(job, task, async () => {
      const pin = pins?.image(name, platform, span)
      const bases: Bases = { store, registries, lease, pull, pin, asked: { name, text, platform, span } }
      const root = await findBase(bases, job)
      const image = await readOrPull(bases, root, job)
      return { ...image, name: `${name.replace(/@.*/, '')}@${root.digest}` }
    })
  }
  return async (text, platform, span) =>
    once.get(`${formatPlatform(platform)} ${text}`, () => resolve(text, platform, span))
}

/** One base image, and where to look for it. */
interface Bases extends Household {
  lease: Lease
  pull: PullPolicy
  /** What the name is locked to. */
  pin: Digest | undefined
  asked: Asked & { platform: Platform; span: SourceSpan }
}

async function findBase(bases: Bases, job: Job): Promise<Descriptor> {
  const { store, lease, pull, pin, asked } = bases
  const { name, span } = asked
  if (pull === 'always' && !pin) await pullBase(bases, job)
  const here = pin ? await findContent(store, lease, pin) : await findImage(store, lease, asked)
  if (here) return here
  const problem = pull === 'never' ? undefined : await pullBase(bases, job)
  const pulled = pin ? await findContent(store, lease, pin) : await findImage(store, lease, asked)
  if (pulled) return pulled
  if (!pin) throw missingBase(asked, span)
  const now = (await findImage(store, lease, asked))?.digest
  throw imageMissing(name, pin, { now, problem, span })
}

/** Of an index that is here, the platform need not be. */
async function readOrPull(bases: Bases, root: Descriptor, job: Job): Promise<Omit<ResolvedImage, 'name'>> {
  const { store, lease, pull, asked } = bases
  try {
    return await readBase(store, lease, { root, ...asked }, job)
  } catch (error) {
    if (pull !== 'missing' || !hasCode(error, 'IMAGE_NOT_FOUND')) throw error
    await pullBase(bases, job, root.digest)
    return readBase(store, lease, { root, ...asked }, job)
  }
}

/**
 * Brings a base image from its registry; by what it is locked to, or by this digest, rather than by its tag. Why one that
 * is locked could not be had is the answer.
 */
async function pullBase(bases: Bases, job: Job, digest = bases.pin): Promise<unknown> {
  const { store, pin, asked } = bases
  const { name, text, platform, span } = asked
  const { tag, ...reference } = parseReference(name)
  const wanted = digest === undefined ? parseReference(name) : { ...reference, digest }
  if (digest === undefined && tag === undefined && reference.digest === undefined) return undefined
  const { openRemote } = await import('../registry/repository.ts')
  const { pullOne } = await import('../registry/pull.ts')
  await using remote = openRemote(bases, reference, { access: 'pull' })
  try {
    await pullOne(store, remote, { reference: wanted, platform, headline: `[internal] pull ${name}` }, job)
    return undefined
  } catch (error) {
    if (pin && !hasCode(error, 'CANCELED')) return error
    throw notPulled({ name, text }, error, span)
  }
}

/** BuildKit's words. */
function notPulled({ name, text }: Asked, cause: unknown, span: SourceSpan): unknown {
  if (!(cause instanceof SlipwayError) || cause.fault === 'canceled') return cause
  const { code, data } = cause
  const isMissing = code === 'IMAGE_NOT_FOUND'
  const why = isMissing ? `${name}: not found` : cause.message
  const hint = isMissing ? MAKE_A_BASE : (cause.hint ?? MAKE_A_BASE)
  return fail(code, `${text}: failed to resolve source metadata for ${name}: ${why}`, { span, data, cause, hint })
}

const MAKE_A_BASE =
  'make a base with "slipway bootstrap debian" or "slipway bootstrap busybox", or bring the image with "slipway load -i FILE"'

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
    hint: MAKE_A_BASE,
  })
}

/** BuildKit's words. The hint says which platforms there are. */
function noPlatform({ name, text }: Asked, cause: SlipwayError, span: SourceSpan): Error {
  const { hint, data } = cause
  const message = `${text}: failed to resolve source metadata for ${name}: no match for platform in manifest: not found`
  return fail('PLATFORM_NOT_FOUND', message, { span, data, cause, ...(hint === undefined ? {} : { hint }) })
}
