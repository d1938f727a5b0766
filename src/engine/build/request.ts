import type { Digest, SourceFile } from '../../core/index.ts'
import type { ParseWarning } from '../../dockerfile/index.ts'
import type { Descriptor, Platform } from '../../oci/index.ts'
import type { Output } from './outputs/output.ts'
import type { Verification } from './verify.ts'

/** What to build. */
export interface BuildRequest {
  /** A folder. */
  context: string
  /** Path of the Dockerfile, or the file itself; `Dockerfile` in the context when missing. */
  dockerfile?: string | SourceFile
  tags?: readonly string[]
  buildArgs?: Readonly<Record<string, string>>
  /** Stage to build, by name or number. */
  target?: string
  labels?: Readonly<Record<string, string>>
  /**
   * What the image is for, this machine when missing. Several make one OCI index, as does the build argument
   * BUILDKIT_MULTI_PLATFORM=1 for one.
   */
  platforms?: readonly Platform[]
  noCache?: boolean
  network?: 'default' | 'none' | 'host'
  /** `name=address`. */
  extraHosts?: readonly string[]
  /** Bytes of /dev/shm in RUN steps. */
  shmSize?: number
  /** RUN steps trust this machine's certificate authorities. */
  hostCa?: boolean
  /**
   * Seconds since 1970, the build argument SOURCE_DATE_EPOCH when missing: the time of the image and its steps, and the
   * latest time of any file that they make. The cache does not depend on it.
   */
  epoch?: number
  /** Where the result goes: into the store when missing. */
  outputs?: readonly Output[]
  /** `new`: one layer of all that this build adds; `all`: one layer, base image included. */
  squash?: 'new' | 'all'
  /** Build a second time without the cache, and compare. */
  verifyReproducible?: boolean
}

/** What a build made. */
export interface BuildReport {
  /** The image id: digest of the config for this machine, or of the first platform. */
  id: Digest
  /** Digest of its manifest, of its index when it has one. */
  digest: Digest
  /** Full names. */
  names: string[]
  /** What the last output that holds an image is known by: its manifest or index. Missing when none does. */
  image?: Descriptor & { configDigest?: Digest }
  verification?: Verification
  /** Steps that make layers, and how many of them came from the cache. */
  steps: number
  cachedSteps: number
  warnings: readonly ParseWarning[]
}
