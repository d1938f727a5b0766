import type { Digest, Job } from '../../core/index.ts'

/** A build cache from elsewhere, as `--cache-from` names it. */
export interface CacheSource {
  /** Whether any of its steps has this operation. */
  knowsOperation(opKey: Digest): boolean
  /** Brings the step of this key and its layers into the store; answers whether it had it. `task` is who wants it. */
  bring(key: Digest, task: string, job: Job): Promise<boolean>
}
