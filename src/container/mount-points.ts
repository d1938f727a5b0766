import {
  closeSync,
  constants,
  fstatSync,
  futimesSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { type ByteString, errnoOf, fromByteString, toByteString } from '../core/index.ts'
import { openInRoot } from '../host/index.ts'

/** A place to mount something on, as users name it. */
export interface MountPoint {
  /** Absolute path inside. */
  target: string
  kind: 'directory' | 'file'
}

/**
 * Makes the places that something will be mounted on where they are missing. Disposing takes those that were made away
 * again, unless the process has put something into them: what a build mounts is no part of the layer. Symlinks lead
 * nowhere but below `root`, before and after.
 */
export function makeMountPoints(root: string, points: readonly MountPoint[]): Disposable {
  const made: ByteString[] = []
  for (const point of points) made.push(...makeOne(root, point))
  return {
    [Symbol.dispose]: () => {
      for (const place of made.reverse()) removeStub(root, place)
    },
  }
}

/** Below `folder`, without following symlinks; a runtime finds its own words for what is in the way. */
function makeOne(root: string, { target, kind }: MountPoint): ByteString[] {
  const steps = toByteString(target)
    .split('/')
    .filter((step) => step !== '')
  const made: ByteString[] = []
  for (let at = 1; at <= steps.length; at++) {
    const place = steps.slice(0, at).join('/') as ByteString
    const isLast = at === steps.length
    const outcome = inParent(root, place, (file) => make(file, isLast ? kind : 'directory'))
    if (outcome === 'made') made.push(place)
    if (outcome === 'failed') break
  }
  return made
}

function make(file: string, kind: MountPoint['kind']): 'made' | 'there' | 'failed' {
  try {
    if (kind === 'directory') mkdirSync(file, { mode: 0o755 })
    else writeFileSync(file, '', { flag: 'wx', mode: 0o644 })
    return 'made'
  } catch (error) {
    return errnoOf(error) === 'EEXIST' ? 'there' : 'failed'
  }
}

function removeStub(root: string, place: ByteString): void {
  inParent(root, place, (file) => {
    const stat = lstatSync(file, { throwIfNoEntry: false })
    if (stat?.isDirectory() && readdirSync(file).length === 0) rmdirSync(file)
    else if (stat?.isFile() && stat.size === 0) unlinkSync(file)
    return 'there'
  })
}

/** Works on an entry by way of its folder, whose times stay as they are. */
function inParent<T>(root: string, place: ByteString, work: (file: string) => T): T | 'failed' {
  let fd: number
  try {
    fd = openInRoot(root, parentOf(place), constants.O_RDONLY | constants.O_DIRECTORY)
  } catch {
    return 'failed'
  }
  try {
    const { atime, mtime } = fstatSync(fd)
    const result = work(`/proc/self/fd/${fd}/${fromByteString(baseOf(place))}`)
    if (fstatSync(fd).mtimeMs !== mtime.getTime()) futimesSync(fd, atime, mtime)
    return result
  } finally {
    closeSync(fd)
  }
}

const parentOf = (place: ByteString): ByteString => place.slice(0, Math.max(0, place.lastIndexOf('/'))) as ByteString
const baseOf = (place: ByteString): ByteString => place.slice(place.lastIndexOf('/') + 1) as ByteString

/** Whether one path lies at or below another. */
export function isWithin(folder: string, target: string): boolean {
  return target === folder || target.startsWith(folder === '/' ? '/' : `${folder}/`)
}

/** Opens a path below `root` only to name it; the caller closes it. */
export function openPath(root: string, place: string): number {
  const O_PATH = 0o10000000
  return openInRoot(root, toByteString(path.posix.normalize(`/${place}`).slice(1)), O_PATH)
}

/** Whether a descriptor is of a folder. */
export function isFolder(fd: number): boolean {
  return fstatSync(fd).isDirectory()
}

/** Opens an empty file, making it. */
export function makeEmptyFile(file: string, mode: number): void {
  closeSync(openSync(file, 'wx', mode))
}
