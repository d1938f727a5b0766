import type { ExplainedStep, RunMount, StepConfig } from '../../build/index.ts'
import type { Digest, TaskResult } from '../../core/index.ts'

/** How a build went. `interrupted`: its process was killed. */
export type BuildStatus = 'running' | 'completed' | 'error' | 'canceled' | 'interrupted'

/** A command line, and where it was written. */
export interface Invocation {
  words: readonly string[]
  /** The folder that its paths are relative to. */
  folder: string
}

/** One step of a build: a node of its graph. */
export interface BuildStep {
  /** Counts from 1; a step comes after its inputs. `step:BUILD/N` names it. */
  n: number
  /** As progress shows it: `[2/5] RUN make`; empty for what is not shown. */
  label: string
  /** `image`, `context`, `copy`, `run`, ... */
  kind: string
  /** Numbers of the steps it works on; of one that makes layers the first is the file system below. */
  inputs: number[]
  /** `pending` for one that was not begun when the build failed. */
  result: TaskResult | 'pending'
  /** Unix milliseconds. */
  startedAt?: number
  finishedAt?: number
  /** Digest of the operation alone, under which the build cache knows it. */
  opKey?: Digest
  /** The file system after it, bottom first; missing where it makes none or did not end. */
  diffIds?: Digest[]
  /** Bytes of the files in the layers that it added. */
  bytes?: number
  /** First line in the Dockerfile. */
  line?: number
  /** What a command in it is started with: the state of the stage at this point. */
  config?: StepConfig
  /** What RUN ran. */
  args?: readonly string[]
  /** What RUN saw beside its file system. */
  mounts?: readonly RunMount[]
}

/** A build as it is remembered. */
export interface PastBuild {
  id: string
  /** Folder of the context, and what makes it another build than the usual one: `app/Dockerfile.dev (test)`. */
  name: string
  status: BuildStatus
  /** Unix milliseconds. */
  startedAt: number
  finishedAt?: number
  context: string
  dockerfile: string
  target?: string
  invocation?: Invocation
  platforms: string[]
  /** Full names that the image got. */
  tags: string[]
  /** Values of arguments whose names sound like secrets are left out. */
  buildArgs: Record<string, string>
  labels: Record<string, string>
  /** Image id, and digest of the manifest or index. */
  image?: Digest
  digest?: Digest
  error?: { code: string; message: string; line?: number }
  warnings: number
  steps: BuildStep[]
  /** How many of the steps that are shown came from the cache, and how many there are. */
  cachedSteps: number
  totalSteps: number
  /** Why the cache had each step that is shown, or not; empty for a build that did not get to its steps. */
  explanation: ExplainedStep[]
  /** Bytes of the log, compressed. */
  logBytes: number
}

/** What the row of a record holds: all that is not in its columns. */
export type StoredBuild = Omit<PastBuild, 'id' | 'startedAt' | 'finishedAt' | 'logBytes' | 'status'> & {
  status: Exclude<BuildStatus, 'interrupted'>
}
