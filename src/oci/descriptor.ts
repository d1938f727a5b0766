import type { Digest } from '../core/index.ts'
import type { Platform } from './platform.ts'

/** Points at content and says what it is (image spec, "OCI Content Descriptors"). Plain, immutable data. */
export interface Descriptor {
  readonly mediaType: string
  readonly digest: Digest
  /** Bytes. */
  readonly size: number
  readonly urls?: readonly string[]
  readonly annotations?: Readonly<Record<string, string>>
  /** The content itself, base64, for small blobs. */
  readonly data?: string
  readonly platform?: Platform
  readonly artifactType?: string
}
