import type { ExplainedStep } from '../../build/index.ts'
import type { Digest, SourceFile } from '../../core/index.ts'
import type { ParseWarning } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { CacheEntry } from './cache.ts'

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
  /** Names of stages that are built without the cache. */
  noCacheFilter?: readonly string[]
  /** Build caches to look into, and to write to when the build has succeeded. */
  cacheFrom?: readonly CacheEntry[]
  cacheTo?: readonly CacheEntry[]
  /** Steps that run at the same time; 16 when missing. */
  parallelism?: number
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
  /** Every step, and why the cache had it or not. */
  explanation: readonly ExplainedStep[]
}
