import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { type Digest, digestHex, type Job } from '../core/index.ts'
import { type FileLock, lock, tryLock } from '../host/index.ts'

/** A step that nobody else does at the same time. */
export interface StepLock {
  /** Whether somebody else did it, or another step that looked like it, a moment ago. */
  waited: boolean
  release(): void
}

/**
 * Waits until no other build does the same work, in this process or in any other. Locks are files that the kernel
 * unlocks when their holder dies. Different work may share a file; then it waits without need, which does no harm:
 * whoever holds a lock needs no other.
 */
export async function lockStep(folder: string, work: Digest, waiting: () => void, job: Job): Promise<StepLock> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const file = path.join(folder, digestHex(work).slice(0, 4))
  const free = tryLock(file)
  if (free) return stepLock(free, false)
  waiting()
  return stepLock(await lock(file, {}, job), true)
}

const stepLock = (held: FileLock, waited: boolean): StepLock => ({ waited, release: () => held.release() })
