import type { Digest, SourceSpan } from '../../../core/index.ts'
import type { Platform } from '../../../oci/index.ts'

/** What names and URLs stand for in a locked build. Each fails with `LOCK_INCOMPLETE` for what is not locked. */
export interface Pins {
  /** The manifest or index that an image name means on a platform. */
  image(name: string, platform: Platform, span: SourceSpan): Digest
  /** The error for a locked image that is not in the store. */
  imageMissing(name: string, digest: Digest, span: SourceSpan): Error
  /** Digest of the content behind a URL. */
  http(url: string, span?: SourceSpan): Digest
  /** Commit that a git URL means. */
  git(url: string, span?: SourceSpan): string
}
