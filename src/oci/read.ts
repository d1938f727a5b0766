import { collectBytes, fail, type Job } from '../core/index.ts'
import type { ImageConfig } from './config.ts'
import type { Descriptor } from './descriptor.ts'
import type { Image } from './edit.ts'
import { checkImage, type ImageDocument, parseConfig, parseImageDocument } from './parse.ts'
import type { Platform } from './platform.ts'
import { selectManifest } from './platform-match.ts'
import type { ImageSource } from './repository.ts'
import { LIMITS } from './schema.ts'

/** Reads and parses a manifest or index, at most 4 MiB. Fails as `read` and `parseImageDocument` do. */
export async function readImageDocument(
  source: ImageSource,
  descriptor: Descriptor,
  job?: Job,
): Promise<{ bytes: Buffer; document: ImageDocument }> {
  const bytes = await readCapped(source, descriptor, { what: 'manifest', limit: LIMITS.manifestBytes }, job)
  return { bytes, document: parseImageDocument(bytes, descriptor.mediaType) }
}

/** Reads and parses an image config, at most 8 MiB. Fails as `read` and `parseConfig` do. */
export async function readConfig(
  source: ImageSource,
  descriptor: Descriptor,
  job?: Job,
): Promise<{ bytes: Buffer; config: ImageConfig }> {
  const bytes = await readCapped(source, descriptor, { what: 'image config', limit: LIMITS.configBytes }, job)
  return { bytes, config: parseConfig(bytes) }
}

/**
 * The image of one platform that `root` leads to, through an index or several. `descriptor` is that of its manifest.
 * Fails with `PLATFORM_NOT_FOUND`, and with `CONFIG_INVALID` when config and manifest do not fit.
 */
export async function readImage(
  source: ImageSource,
  root: Descriptor,
  platform: Platform,
  job?: Job,
): Promise<Image & { readonly descriptor: Descriptor }> {
  let descriptor = root
  for (let depth = 0; depth <= LIMITS.indexDepth; depth++) {
    const { document } = await readImageDocument(source, descriptor, job)
    if (document.kind === 'manifest') {
      const { config } = await readConfig(source, document.manifest.config, job)
      checkImage(document.manifest, config)
      return { descriptor, manifest: document.manifest, config }
    }
    descriptor = selectManifest(document.index, platform)
  }
  throw nestedTooDeep()
}

/** The error for indexes in indexes beyond the limit. */
export function nestedTooDeep(): Error {
  return fail('MANIFEST_INVALID', `invalid index: nested deeper than ${LIMITS.indexDepth} levels`)
}

async function readCapped(
  source: ImageSource,
  descriptor: Descriptor,
  { what, limit }: { what: string; limit: number },
  job?: Job,
): Promise<Buffer> {
  const tooLarge = (): Error => fail('JSON_INVALID', `${what} is larger than ${limit} bytes`)
  if (descriptor.size > limit) throw tooLarge()
  return collectBytes(source.read(descriptor, undefined, job), limit, tooLarge)
}
