import type { Resources, Ulimit } from '../../container/index.ts'
import type { Digest, SourceSpan } from '../../core/index.ts'
import type { Dockerfile, Stage, StageInstruction } from '../../dockerfile/index.ts'
import type { Platform } from '../../oci/index.ts'
import type { Vertex } from '../graph.ts'
import type { BaseImage, StageState } from './stage-state.ts'

/** What the user says beside the Dockerfile. */
export interface PlanOptions {
  /** Stage to build, by name or number; the last one when missing. */
  target?: string
  buildArgs: Readonly<Record<string, string>>
  /** Set on the target image at the end. */
  labels: Readonly<Record<string, string>>
  /** What the image is for. */
  platform: Platform
  /** What the build runs on. */
  buildPlatform: Platform
  /** Progress says which platform a step is for: there are several. */
  namesPlatform: boolean
  noCache: boolean
  /** Names of stages, in any case, that the cache is not asked for. */
  noCacheFilter: readonly string[]
  network: 'default' | 'none' | 'host'
  /** `name=address`. */
  extraHosts: readonly string[]
  /** Bytes. */
  shmSize?: number
  /** A file of certificate authorities that RUN steps are told to trust. */
  hostCa?: string
  /** Entitlements: `network.host`, `security.insecure`. */
  allow?: readonly string[]
  ulimits?: readonly Ulimit[]
  /** What steps may take of the machine; results do not depend on it. */
  resources?: Resources
  /** The control group above those of the steps. */
  cgroupParent?: string
}

/** What planning needs to know of the world. */
export interface PlanSources {
  /** Finds a base image. Fails with `IMAGE_NOT_FOUND`. */
  image(reference: string, platform: Platform, span: SourceSpan): Promise<ResolvedImage>
  /** What the user put in the place of stages and images of this name. */
  named?(name: string, platform: Platform, span: SourceSpan): Promise<NamedContext | undefined>
  /** What URLs must hold, where the Dockerfile does not say so itself. */
  readonly pins?: {
    /** Digest of a file. */
    http(url: string, span: SourceSpan): Digest | undefined
    /** Full name of a commit. */
    git(url: string, span: SourceSpan): string | undefined
  }
  listener?: PlanListener
}

/** Hears what planning comes to, while it does. A stage that is not needed is never heard of. */
export interface PlanListener {
  /** A stage begins; `parent` is the stage it begins from, which is planned. */
  begun?(stage: Stage, parent: Stage | undefined): void
  /** An instruction, or a trigger of the base image, is next. The state is that before it, and will change. */
  reached?(stage: Stage, instruction: StageInstruction, state: StageState): void
}

/** A base image that was found, and what it is called in full, with its digest. */
export interface ResolvedImage extends BaseImage {
  name: string
  /** Digest of its manifest for the platform. */
  manifest: Digest
}

/** A named build context: an image, or files under a name that the context op knows. */
export type NamedContext =
  | { readonly kind: 'image'; readonly image: ResolvedImage }
  | { readonly kind: 'files'; readonly context: string }
  | { readonly kind: 'scratch' }

/** What asks for the files of a stage, for messages. */
export interface Asking {
  readonly stage: StageState
  readonly span: SourceSpan
  /** Where a mount shows the files; COPY has none. */
  readonly target?: string
}

/** What the planning of all stages shares. */
export interface PlanContext {
  readonly dockerfile: Dockerfile
  readonly options: PlanOptions
  readonly sources: PlanSources
  /** ARG before the first FROM, and the platform arguments. */
  readonly globalArgs: ReadonlyMap<string, string>
  /** The files that the user gave. */
  readonly contextVertex: Vertex
  /** Numbers of the stages that were needed so far. */
  plannedStages(): number[]
  /** The finished state of a stage; planned when first asked for. */
  stage(index: number): Promise<StageState>
  /** The files of an earlier stage, an image or a named context, by what stands in `COPY --from`. */
  source(from: string, asking: Asking): Promise<Vertex>
}
