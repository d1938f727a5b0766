import { fail } from '../core/index.ts'
import { makeMountsPropagateInward, unmount } from './mount.ts'

let adopted = false

/**
 * For a process that was started in a fresh mount namespace (`unshare --mount`): what it mounts is seen by it and its
 * children only, and the kernel drops it with the last of them, however they die. Mounts that the host makes later
 * still arrive.
 */
export function adoptPrivateMounts(): void {
  makeMountsPropagateInward()
  adopted = true
}

/**
 * crun refuses hosts where cgroup v1 and v2 are mounted side by side ("hybrid mode"); without the v2 side it takes
 * the v1 hierarchies. Only for a private mount namespace. Does nothing elsewhere.
 */
export function hideHybridCgroup(): void {
  if (!adopted) throw fail('INTERNAL', 'hideHybridCgroup outside of a private mount namespace')
  try {
    unmount('/sys/fs/cgroup/unified', { detach: true })
  } catch {
    // not a hybrid host
  }
}
