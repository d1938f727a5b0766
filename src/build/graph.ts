import type { Digest, SourceSpan } from '../core/index.ts'
import type { Platform } from '../oci/index.ts'
import type { CopyOp } from './ops/copy.ts'
import type { FolderOp } from './ops/folder.ts'
import type { GitOp } from './ops/git.ts'
import type { HttpOp } from './ops/http.ts'
import type { MergeOp } from './ops/merge.ts'
import type { RunOp } from './ops/run.ts'

/** An image whose layers a stage starts from. `scratch` is the image without layers. */
export interface ImageOp {
  kind: 'image'
  reference: string
  platform: Platform
  /** Layers from the bottom up. */
  diffIds: readonly Digest[]
}

/** The files that the user gave to the build, after .dockerignore. */
export interface ContextOp {
  kind: 'context'
  name: string
}

/** Everything a build can do. A Dockerfile compiles to these; the solver knows nothing of Dockerfiles. */
export type Op = ImageOp | ContextOp | HttpOp | GitOp | CopyOp | MergeOp | FolderOp | RunOp

/** A node of the build graph: an operation and the vertices it works on. */
export interface Vertex {
  /** Equal ids mean the same work; it is done once. */
  readonly id: Digest
  readonly op: Op
  readonly inputs: readonly Vertex[]
  /** What progress shows: `[2/5] RUN make`. */
  readonly label: string
  readonly span?: SourceSpan
  /** Do it again even if the cache has a result. */
  readonly ignoreCache?: boolean
  /** What a process that is started in it by hand begins with: the state of the stage at this point. */
  readonly config?: StepConfig
}

/** See `Vertex.config`. */
export interface StepConfig {
  /** `NAME=value`. */
  readonly env: readonly string[]
  readonly cwd: string
  /** `USER` as it stands, empty for root. */
  readonly user: string
}
