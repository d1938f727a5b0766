import type { Agents, ExplainedStep, Secrets } from '../../build/index.ts'
import type { Resources, Ulimit } from '../../container/index.ts'
import type { Bytes, Digest, SourceFile } from '../../core/index.ts'
import type { Image } from '../../image/index.ts'
import type { LintWarning } from '../../lint/index.ts'
import type { Descriptor, Platform } from '../../oci/index.ts'
import type { SettingsOptions } from '../../registry/index.ts'
import type { Invocation, PastBuild } from '../builds/record.ts'
import type { AttestationRequest } from './attestations/options.ts'
import type { PullPolicy } from './base-images.ts'
import type { CacheEntry } from './cache-entry.ts'
import type { Output } from './outputs/output.ts'
import type { Verification } from './verify.ts'

/** What to build. */
export interface BuildRequest {
  /**
   * A folder, the URL of an archive, of a Dockerfile or of a git repository; or a stream that holds an archive (plain or
   * compressed) or a Dockerfile.
   */
  context: string | Bytes
  /**
   * Path or URL of the Dockerfile, or the file itself; `Dockerfile` in the context when missing. For a context that is
   * not a folder, a relative path means a file in it.
   */
  dockerfile?: string | SourceFile
  /** An image that is defined in TypeScript, in place of a Dockerfile. */
  image?: Image
  /**
   * What takes the place of stages and images of these names, as `--build-context` has it: a folder, a URL,
   * `docker-image://name`, `oci-layout://folder[:tag|@digest]`. A name may end with `::platform`.
   */
  contexts?: Readonly<Record<string, string>>
  tags?: readonly string[]
  /** The command line that asks for this, kept to be done again. Values of secrets are left out. */
  invocation?: Invocation
  /** Image names, URLs and git references mean what `Dockerfile.lock` says, and everything must be in it. */
  locked?: boolean
  buildArgs?: Readonly<Record<string, string>>
  /** Stage to build, by name or number. */
  target?: string
  labels?: Readonly<Record<string, string>>
  /**
   * What the image is for, this machine when missing. Several make one OCI index, as does the build argument
   * BUILDKIT_MULTI_PLATFORM=1 for one.
   */
  platforms?: readonly Platform[]
  /** Where what is configured about registries is found; what the engine was opened with when missing. */
  registries?: SettingsOptions
  /** When base images are asked of their registries; when they are not in the store, by default. */
  pull?: PullPolicy
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
   * Seconds since 1970; when missing, what the build argument SOURCE_DATE_EPOCH says (a number, or whose time to take): the time of the image and its steps, and the
   * latest time of any file that they make. The cache does not depend on it.
   */
  epoch?: number
  /** Statements to attach to the image; none by default. */
  attestations?: readonly AttestationRequest[]
  /** Where the result goes: into the store when missing. */
  outputs?: readonly Output[]
  /** `new`: one layer of all that this build adds; `all`: one layer, base image included. */
  squash?: 'new' | 'all'
  /** How much the report says of how the images were made; nothing when missing. */
  reportProvenance?: 'min' | 'max'
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
  /** How the image of each platform was made, as a predicate of SLSA provenance; with `reportProvenance`. */
  provenance?: readonly { platform: Platform; predicate: unknown }[]
  verification?: Verification
  /** Steps that make layers, and how many of them came from the cache. */
  steps: number
  cachedSteps: number
  /** What the checks found, and did not have to refuse. */
  warnings: readonly LintWarning[]
  /** What is remembered of it. */
  record: PastBuild
  /** Every step, and why the cache had it or not. */
  explanation: readonly ExplainedStep[]
}
