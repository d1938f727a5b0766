import { readlinkSync } from 'node:fs'
import { readlink } from 'node:fs/promises'
import { fail } from '../core/index.ts'
import { makeMountsPropagateInward, unmount } from './mount.ts'
import { call } from './syscalls.ts'

const CLONE_NEWNS = 0x00020000
let entered = false

/**
 * Gives this process a mount namespace of its own: what it mounts is seen by its children only, and the kernel drops
 * it with the last of them, however they die. Must come before the first asynchronous file operation: threads of
 * libuv's pool keep the namespace they were born in. Needs root.
 */
export async function enterPrivateMounts(): Promise<void> {
  if (entered) return
  call('int unshare(int flags)', [CLONE_NEWNS])
  makeMountsPropagateInward()
  entered = true
  await checkPoolFollowed()
}

/** Whether `enterPrivateMounts` has been done here, or the process was started in such a namespace. */
export function mountsArePrivate(): boolean {
  return entered
}

/** For a process that was started inside a fresh mount namespace (`unshare --mount`). */
export function adoptPrivateMounts(): void {
  makeMountsPropagateInward()
  entered = true
}

async function checkPoolFollowed(): Promise<void> {
  const [here, inPool] = [readlinkSync('/proc/thread-self/ns/mnt'), await readlink('/proc/thread-self/ns/mnt')]
  if (here !== inPool) throw fail('INTERNAL', 'the mount namespace was entered after the thread pool had started')
}

/**
 * crun refuses hosts where cgroup v1 and v2 are mounted side by side ("hybrid mode"); without the v2 side it takes
 * the v1 hierarchies. Only for a private mount namespace. Does nothing elsewhere.
 */
export function hideHybridCgroup(): void {
  if (!mountsArePrivate()) throw fail('INTERNAL', 'hideHybridCgroup outside of a private mount namespace')
  try {
    unmount('/sys/fs/cgroup/unified', { detach: true })
  } catch {
    // not a hybrid host
  }
}
