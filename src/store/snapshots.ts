import { chmodSync, chownSync, existsSync, lstatSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { type Digest, fail, type Job, toByteString } from '../core/index.ts'
import { type Mount, removeTree } from '../host/index.ts'
import { diskUsage } from './disk-usage.ts'
import type { LayerStore } from './layers.ts'
import type { StoreLayout } from './layout.ts'

/**
 * Part of a stack, bottom first: a layer of the store, or a directory that is about to become one (an overlay's upper
 * directory whose commit is under way).
 */
export type StackPart = { diffId: Digest } | { directory: string }

/** What is known of an active snapshot. */
export interface SnapshotInfo {
  key: string
  createdAt: Date
}

/**
 * Makes stacks of layers mountable. Terms as in containerd: an *active* snapshot, named by a key, is a writable view
 * over a stack; committed layers have no snapshot, they are mounted from the store as they lie. Three examples:
 *
 * - run a container: `prepare(containerId, stack)`, mount, run, unmount, `remove(containerId)`;
 * - a build step: `prepare(key, stack)`, mount, run, unmount, turn `upper(key)` into a layer, `remove(key)`;
 * - look at an image: `view(stack)`, mount, look, unmount.
 *
 * The mounts come in order; those with a target belong below the folder `at` and can be shared by several stacks, the
 * last has none and is the stack itself.
 */
export interface Snapshotter {
  /** `erofs` mounts layers from their index, `directory` unpacks each layer once. */
  readonly kind: 'erofs' | 'directory'
  prepare(key: string, stack: readonly StackPart[], at: string, job: Job): Promise<Mount[]>
  /** The same without a writable layer, to be looked at only. */
  view(stack: readonly StackPart[], at: string, job: Job): Promise<Mount[]>
  /** The directory that holds what was changed in an active snapshot, in overlayfs's form. */
  upper(key: string): string
  /** Bytes and files that an active snapshot takes on disk. */
  usage(key: string): { bytes: number; inodes: number }
  /** Forgets an active snapshot and what was written to it. One that is not there is no error. */
  remove(key: string): void
  /** All active snapshots. */
  list(): SnapshotInfo[]
}

/** How one kind of snapshotter presents committed layers: mounts to make, and the directories to stack, bottom first. */
export type LowerDirectories = (
  diffIds: readonly Digest[],
  at: string,
  job: Job,
) => Promise<{ mounts: Mount[]; directories: string[] }>

// redirect_dir and metacopy would leave files in the upper directory that only the kernel understands;
// index off: the work directory of a crashed mount can be used again
const OVERLAY_OPTIONS = ['redirect_dir=off', 'metacopy=off', 'index=off']
const ROOT = toByteString('')
const EMPTY: Mount = { type: 'tmpfs', source: 'slipway', options: ['mode=0755'] }

/** What both kinds share: active snapshots are folders with `fs` and `work` for overlayfs. */
export function createSnapshotter(
  kind: Snapshotter['kind'],
  places: { layout: StoreLayout; layers: LayerStore },
  lowers: LowerDirectories,
): Snapshotter {
  const { layout, layers } = places
  const folder = (key: string): string => path.join(layout.snapshots, path.basename(key))
  const upper = (key: string): string => path.join(folder(key), 'fs')
  const stackMounts = async (
    stack: readonly StackPart[],
    at: string,
    writable: string[],
    job: Job,
  ): Promise<Mount[]> => {
    const { diffIds, pending } = split(stack)
    const { mounts, directories } = await lowers(diffIds, at, job)
    const layers = [...directories, ...pending]
    // nothing is run in a view: it shows what is there, without the places that a runtime mounts on
    if (writable.length === 0 && layers.length === 0) return [EMPTY]
    // without an upper directory, overlayfs wants two lower ones
    const below = writable.length > 0 ? [mountPoints(layout)] : layers.length === 1 ? [emptyFolder(layout)] : []
    const bottomFirst = [...below, ...layers]
    const options = [
      ...bottomFirst.reverse().map((directory) => `lowerdir+=${directory}`),
      ...writable,
      ...OVERLAY_OPTIONS,
    ]
    return [...mounts, { type: 'overlay', source: 'slipway', options }]
  }
  return {
    kind,
    upper,
    async prepare(key, stack, at, job) {
      const work = path.join(folder(key), 'work')
      if (!existsSync(upper(key))) await makeUpper(upper(key), stack, layers)
      mkdirSync(work, { recursive: true, mode: 0o700 })
      return stackMounts(stack, at, [`upperdir=${upper(key)}`, `workdir=${work}`], job)
    },
    view: (stack, at, job) => stackMounts(stack, at, [], job),
    usage: (key) => diskUsage(upper(key)),
    remove: (key) => void removeTree(folder(key)),
    list: () => readdirSync(layout.snapshots).map((key) => ({ key, createdAt: lstatSync(folder(key)).birthtime })),
  }
}

/** Layers below, directories on top: a layer above a directory could not be indexed before that is committed. */
function split(stack: readonly StackPart[]): { diffIds: Digest[]; pending: string[] } {
  const firstPending = stack.findIndex((part) => 'directory' in part)
  const cut = firstPending < 0 ? stack.length : firstPending
  if (stack.slice(cut).some((part) => 'diffId' in part)) throw fail('INTERNAL', 'a layer above a directory in a stack')
  return {
    diffIds: stack.slice(0, cut).flatMap((part) => ('diffId' in part ? [part.diffId] : [])),
    pending: stack.slice(cut).flatMap((part) => ('directory' in part ? [part.directory] : [])),
  }
}

/** The root of an overlay has the attributes of its upper directory; these must be those of the image's root. */
async function makeUpper(upper: string, stack: readonly StackPart[], layers: LayerStore): Promise<void> {
  mkdirSync(upper, { recursive: true, mode: 0o755 })
  const top = stack.at(-1)
  if (!top) return
  const root = 'directory' in top ? lstatSync(top.directory) : (await layers.tree(split(stack).diffIds)).stat(ROOT)
  if (!root) return
  chmodSync(upper, root.mode & 0o7777)
  if (process.getuid?.() === 0) chownSync(upper, root.uid, root.gid)
}

function emptyFolder(layout: StoreLayout): string {
  const folder = path.join(layout.root, 'empty')
  mkdirSync(folder, { recursive: true, mode: 0o755 })
  return folder
}

/**
 * The lowest directory of every stack: the places that a runtime mounts on. An image may lack them, and without this
 * they would be created in the upper directory and become part of the next layer.
 */
function mountPoints(layout: StoreLayout): string {
  const root = path.join(layout.root, 'mount-points')
  if (existsSync(path.join(root, 'etc/hostname'))) return root
  for (const folder of ['dev', 'etc', 'proc', 'sys'])
    mkdirSync(path.join(root, folder), { recursive: true, mode: 0o755 })
  for (const file of ['hosts', 'resolv.conf', 'hostname']) {
    writeFileSync(path.join(root, 'etc', file), '', { mode: 0o644 })
  }
  return root
}
