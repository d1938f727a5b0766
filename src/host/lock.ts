import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { checkCanceled, errnoOf, type Job, silentJob } from '../core/index.ts'
import { call } from './syscalls.ts'

/** A lock on a file that other processes respect. The kernel gives it up when its holder dies, however it dies. */
export interface FileLock extends AsyncDisposable {
  release(): void
}

const LOCK = { shared: 1, exclusive: 2, nonBlocking: 4 }

/** Takes the lock if it is free; `undefined` if another holder has it. The file is made when missing. */
export function tryLock(path: string, kind: 'shared' | 'exclusive' = 'exclusive'): FileLock | undefined {
  const fd = openSync(path, 'a', 0o600)
  try {
    call('int flock(int fd, int operation)', [fd, LOCK[kind] | LOCK.nonBlocking], path)
  } catch (error) {
    closeSync(fd)
    if (errnoOf(error) === 'EWOULDBLOCK' || errnoOf(error) === 'EAGAIN') return undefined
    throw error
  }
  return held(fd)
}

/** Waits for the lock, looking again every few milliseconds; the job can stop the waiting. */
export async function lock(
  path: string,
  options: { kind?: 'shared' | 'exclusive' } = {},
  job: Job = silentJob,
): Promise<FileLock> {
  for (let wait = 2; ; wait = Math.min(wait * 2, 50)) {
    checkCanceled(job)
    const taken = tryLock(path, options.kind)
    if (taken) return taken
    await sleep(wait)
  }
}

function held(fd: number): FileLock {
  let open = true
  const release = (): void => {
    if (open) closeSync(fd)
    open = false
  }
  return { release, [Symbol.asyncDispose]: async () => release() }
}
