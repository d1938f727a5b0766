import {
  chmodSync,
  constants,
  copyFileSync,
  lchownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  type Stats,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
} from 'node:fs'
import { fail } from '../core/index.ts'
import { setTimes } from './times.ts'

/** How a tree is copied. */
export interface CopyTreeOptions {
  /** Owners are kept; else all belongs to this user and group. */
  owner: 'keep' | { uid: number; gid: number }
  /** The source itself is followed if it is a symlink. */
  follow?: boolean
}

const SLASH = Buffer.from('/')

/**
 * Copies a file, symlink or folder with everything below it to `target`. Folders that are there are merged with, files
 * and symlinks replaced; a symlink is never followed, neither here nor there, below the two paths. Modes and times are
 * kept; sockets, pipes and devices are left out. Fails with `CACHE_MOUNT_COPY` where a folder meets something else.
 */
export function copyTree(source: string | Buffer, target: string | Buffer, options: CopyTreeOptions): void {
  const root = { from: Buffer.from(source as Buffer), to: Buffer.from(target as Buffer) }
  const todo: { from: Buffer; to: Buffer }[] = [root]
  const folders: { to: Buffer; stat: Stats }[] = []
  for (let at = todo.pop(); at !== undefined; at = todo.pop()) {
    const { from, to } = at
    const stat = at === root && options.follow ? statSync(from) : lstatSync(from)
    if (!copyOne(from, to, stat)) continue
    if (stat.isDirectory()) {
      folders.push({ to, stat })
      const names = readdirSync(from, { encoding: 'buffer' }) as unknown as Buffer[]
      todo.push(...names.map((name) => ({ from: join(from, name), to: join(to, name) })))
    } else finish(to, stat, options)
  }
  // a folder's time is set when nothing is put into it any more
  for (const { to, stat } of folders.reverse()) finish(to, stat, options)
}

/** Whether there is something now that needs its attributes. */
function copyOne(from: Buffer, to: Buffer, stat: Stats): boolean {
  const there = lstatSync(to, { throwIfNoEntry: false })
  if (stat.isDirectory()) {
    if (there && !there.isDirectory()) throw conflict('cannot overwrite non-directory', to, 'with directory', from)
    if (!there) mkdirSync(to, { mode: 0o700 })
    return true
  }
  if (!stat.isFile() && !stat.isSymbolicLink()) return false
  if (there?.isDirectory()) throw conflict('cannot overwrite directory', to, 'with non-directory', from)
  if (there) unlinkSync(to)
  if (stat.isSymbolicLink()) symlinkSync(readlinkSync(from, { encoding: 'buffer' }) as unknown as Buffer, to)
  else copyFileSync(from, to, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE)
  return true
}

function finish(to: Buffer, stat: Stats, { owner }: CopyTreeOptions): void {
  const { uid, gid } = owner === 'keep' ? stat : owner
  if (process.getuid?.() === 0) lchownSync(to, uid, gid)
  if (stat.isSymbolicLink()) {
    const seconds = Math.floor(stat.mtimeMs / 1000)
    setTimes(to, { seconds, nanoseconds: Math.floor((stat.mtimeMs - seconds * 1000) * 1e6) })
    return
  }
  chmodSync(to, stat.mode & 0o7777)
  utimesSync(to, stat.atime, stat.mtime)
}

function conflict(what: string, to: Buffer, how: string, from: Buffer): Error {
  const [target, source] = [to, from].map((file) => file.toString().replace(/^\/proc\/self\/fd\/\d+/, '...'))
  return fail('CACHE_MOUNT_COPY', `${what} "${target}" ${how} "${source}"`)
}

const join = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name])
