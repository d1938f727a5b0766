import type { Agents, Secrets } from '../../build/index.ts'
import type { Resources, Ulimit } from '../../container/index.ts'
import type { Digest, SourceFile } from '../../core/index.ts'
import type { ParseWarning } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'

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
  /** Secrets by id, for `RUN --mount=type=secret`. They get into no layer, history, cache key or log. */
  secrets?: Secrets
  /** SSH agents by id, for `RUN --mount=type=ssh`; `default` is the one without an id. */
  ssh?: Agents
  /** What RUN may ask for beyond a sandbox: `network.host`, `security.insecure`. The former follows from `network`. */
  allow?: readonly string[]
  ulimits?: readonly Ulimit[]
  /** What RUN steps may take of the machine. The cache does not depend on it. */
  resources?: Resources
  /** The control group above those of RUN steps. */
  cgroupParent?: string
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
}
