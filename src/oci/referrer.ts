import type { Digest } from '../core/index.ts'
import type { Descriptor } from './descriptor.ts'
import type { Manifest } from './manifest.ts'
import type { ImageDocument } from './parse.ts'

/** The manifest that this one is about (a signature's image), if any. */
export function subjectOf(document: ImageDocument): Descriptor | undefined {
  return document.kind === 'manifest' ? document.manifest.subject : document.index.subject
}

/** Its `artifactType`, else the media type of its config (distribution spec, "Listing Referrers"). */
function artifactTypeOf(manifest: Manifest): string {
  return manifest.artifactType ?? manifest.config.mediaType
}

/**
 * The entry for `document` in the list of referrers of `subject`, or `undefined` when it does not belong there
 * (distribution spec, "Listing Referrers": with artifact type and annotations).
 */
export function referrerEntry(
  document: ImageDocument,
  descriptor: Descriptor,
  subject: Digest,
  artifactType?: string,
): Descriptor | undefined {
  if (subjectOf(document)?.digest !== subject) return undefined
  const type = document.kind === 'manifest' ? artifactTypeOf(document.manifest) : document.index.artifactType
  if (artifactType !== undefined && type !== artifactType) return undefined
  const { annotations } = document.kind === 'manifest' ? document.manifest : document.index
  return {
    mediaType: document.mediaType,
    digest: descriptor.digest,
    size: descriptor.size,
    ...(annotations ? { annotations } : {}),
    ...(type === undefined ? {} : { artifactType: type }),
  }
}
