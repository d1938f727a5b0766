import type { Digest, SourceFile } from '../../core/index.ts'
import type { ParseWarning } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { BuildRecord } from '../builds/record.ts'
import type { AttestationRequest } from './attestations/options.ts'

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
  platform?: Platform
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
  /** Statements to attach to the image; none by default. */
  attestations?: readonly AttestationRequest[]
}

/** What a build made. */
export interface BuildReport {
  /** The image id: digest of its config. */
  id: Digest
  /** Digest of its manifest. */
  digest: Digest
  /** Full names. */
  names: string[]
  /** Steps that make layers, and how many of them came from the cache. */
  steps: number
  cachedSteps: number
  warnings: readonly ParseWarning[]
  /** What is remembered of it. */
  record: BuildRecord
}
