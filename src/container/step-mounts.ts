import { chmodSync, chownSync, closeSync, mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { errnoOf, fail, messageOf } from '../core/index.ts'
import { bindMount, type Mount, mount, unmount } from '../host/index.ts'
import { isFolder, isWithin, type MountPoint, makeEmptyFile, makeMountPoints, openPath } from './mount-points.ts'
import type { ContainerMount } from './spec.ts'
import type { MountedStacks } from './stack.ts'

/** Something that a step sees at a place of its file system for as long as it runs. */
export type StepMount = { target: string; readonly: boolean } & (
  | {
      kind: 'stack'
      /** A file system to mount; the one without a target is what `path` is looked up in. */
      mounts: readonly Mount[]
      path: string
    }
  | {
      kind: 'folder'
      /** A folder of this machine, and a path that is looked up as if it were `/`. */
      root: string
      path: string
    }
  | { kind: 'socket'; source: string }
  | { kind: 'secret'; content: Uint8Array; mode: number; uid: number; gid: number }
  | { kind: 'tmpfs'; size?: number }
)

/** The mounts of a step, ready for the runtime. Disposing takes them away, and the places that were made for them. */
export interface MountedStep extends Disposable {
  readonly mounts: ContainerMount[]
}

/** Below these a runtime mounts file systems of its own. */
const SYSTEM = ['/dev', '/proc', '/sys']

/**
 * Mounts what a step sees below `folder`, in this process's mount namespace. Paths of images and caches are resolved by
 * the kernel, below their root. Fails with `RUNTIME_FAILED`, in the words of open(2), for a path that is not there;
 * `data.missing` says which, when it is one of a stack.
 */
export function mountStep(
  requests: readonly StepMount[],
  places: { rootfs: string; folder: string; stacks: MountedStacks },
): MountedStep {
  using cleanup = new DisposableStack()
  const sorted = requests.toSorted((a, b) => (a.target < b.target ? -1 : a.target > b.target ? 1 : 0))
  const made = sorted.map((request, at) =>
    mountOne(request, { ...places, folder: path.join(places.folder, `mount-${at}`) }, cleanup),
  )
  const points = made.flatMap(({ target, kind }, at): MountPoint[] => {
    const isCovered = SYSTEM.some((folder) => isWithin(folder, target))
    const isInsideOther = made.slice(0, at).some((other) => other.target !== target && isWithin(other.target, target))
    return isCovered || isInsideOther ? [] : [{ target, kind }]
  })
  cleanup.use(makeMountPoints(places.rootfs, points))
  const kept = cleanup.move()
  return { mounts: made.map(({ mount }) => mount), [Symbol.dispose]: () => kept.dispose() }
}

interface Made {
  target: string
  kind: MountPoint['kind']
  mount: ContainerMount
}

interface Places {
  rootfs: string
  folder: string
  stacks: MountedStacks
}

function mountOne(request: StepMount, places: Places, cleanup: DisposableStack): Made {
  const { target, readonly } = request
  const bind = (source: string, kind: MountPoint['kind'], options: readonly string[] = []): Made => {
    return { target, kind, mount: { type: 'bind', source, target, readonly, options } }
  }
  switch (request.kind) {
    case 'tmpfs': {
      const size = request.size === undefined ? [] : [`size=${request.size}`]
      return {
        target,
        kind: 'directory',
        mount: { type: 'tmpfs', target, readonly, options: ['exec', 'dev', ...size] },
      }
    }
    case 'socket':
      return bind(request.source, 'file')
    case 'secret':
      return bind(writeSecret(request, places, cleanup), 'file', secretOptions(request.mode))
    case 'stack': {
      const stack = path.join(places.folder, 'stack')
      cleanup.use(places.stacks.mount(request.mounts, stack))
      const { source, kind } = bindPath(stack, request.path, places, cleanup, { missing: request.path })
      return bind(source, kind)
    }
    case 'folder': {
      const { source, kind } = bindPath(request.root, request.path, places, cleanup)
      return bind(source, kind)
    }
  }
}

/** A bind mount of what a path leads to: from then on nobody can make it lead elsewhere. */
function bindPath(
  root: string,
  place: string,
  { folder }: Places,
  cleanup: DisposableStack,
  data: Record<string, unknown> = {},
): { source: string; kind: MountPoint['kind'] } {
  const fd = openSource(root, place, data)
  try {
    const kind = isFolder(fd) ? 'directory' : 'file'
    const source = path.join(folder, 'source')
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    if (kind === 'directory') mkdirSync(source)
    else makeEmptyFile(source, 0o600)
    bindOpened(fd, source, place)
    cleanup.defer(() => unmount(source, { detach: true }))
    return { source, kind }
  } finally {
    closeSync(fd)
  }
}

/** Whoever else uses the folder may have removed what was opened a moment ago: the kernel mounts nothing that is gone. */
function bindOpened(fd: number, at: string, place: string): void {
  try {
    bindMount(`/proc/self/fd/${fd}`, at)
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    throw fail('RUNTIME_FAILED', `mount ${path.posix.normalize(`/${place}`)}: ${messageOf(error)}`, { cause: error })
  }
}

function openSource(root: string, place: string, data: Record<string, unknown>): number {
  try {
    return openPath(root, place)
  } catch (error) {
    const errno = errnoOf(error)
    const known = { ENOENT: 'no such file or directory', ENOTDIR: 'not a directory' }[errno ?? '']
    const problem = known ?? (errno === undefined ? undefined : messageOf(error))
    if (problem === undefined) throw error
    throw fail('RUNTIME_FAILED', `open ${path.posix.normalize(`/${place}`)}: ${problem}`, {
      data: { exitCode: 1, ...data },
    })
  }
}

/** Into memory only: a file system of its own that goes with the step. */
function writeSecret(
  { content, mode, uid, gid }: Extract<StepMount, { kind: 'secret' }>,
  { folder }: Places,
  cleanup: DisposableStack,
): string {
  mountMemory(folder, cleanup)
  const file = path.join(folder, 'secret')
  writeFileSync(file, content, { mode: 0o600 })
  chownSync(file, uid, gid)
  chmodSync(file, mode)
  return file
}

/** Programs may be secret, too: then they can be run. */
const secretOptions = (mode: number): string[] => ['nodev', 'nosuid', ...((mode & 0o111) === 0 ? ['noexec'] : [])]

/** Mounts a tmpfs that only root sees on a folder, which is made. */
export function mountMemory(folder: string, cleanup: DisposableStack): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  mount({ type: 'tmpfs', source: 'slipway', options: ['mode=0700'] }, folder)
  cleanup.defer(() => unmount(folder, { detach: true }))
}
