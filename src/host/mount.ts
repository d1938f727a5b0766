import { closeSync, openSync, readFileSync } from 'node:fs'
import { errnoOf, fail } from '../core/index.ts'
import { call, cPath } from './syscalls.ts'

/**
 * A file system to mount: what a snapshotter makes and a runtime uses, as plain data. An option `key=value` is a
 * string parameter of the file system, one without `=` is a flag. The same key may come several times (`lowerdir+`).
 */
export interface Mount {
  type: string
  source: string
  options: readonly string[]
  /** Where it belongs, when other mounts of the same list refer to it there; else the caller decides. */
  target?: string
}

// include/uapi/linux/mount.h
const FSOPEN_CLOEXEC = 1
const FSCONFIG = { setFlag: 0, setString: 1, create: 6 }
const FSMOUNT_CLOEXEC = 1
const ATTRIBUTE = { ro: 0x1, nosuid: 0x2, nodev: 0x4, noexec: 0x8 } as const
const MOVE_MOUNT_F_EMPTY_PATH = 4
const AT_FDCWD = -100
const MS = { bind: 4096, rec: 16384, slave: 1 << 19, remount: 32, rdonly: 1 } as const
const MNT_DETACH = 2
const O_PATH = 0o10000000
// fsconfig(2) takes strings of at most 256 bytes, the NUL included
const LONGEST_STRING = 255
// The mount API's numbers are the same on every architecture (they came after the tables were unified).
const SYS = { fsopen: 430, fsconfig: 431, fsmount: 432, move_mount: 429 }

/**
 * Mounts a file system on a directory, through the kernel's new mount API: mount(2) silently cuts options at 4,095
 * bytes, which an overlay of many layers exceeds. Throws with the kernel's own explanation where it gives one.
 */
export function mount(fs: Mount, target: string, attributes: readonly (keyof typeof ATTRIBUTE)[] = []): void {
  const context = call(
    'long syscall(long n, const uint8_t *name, long flags)',
    [SYS.fsopen, cPath(fs.type), FSOPEN_CLOEXEC],
    fs.type,
    'fsopen',
  )
  const opened: number[] = []
  try {
    configure(context, 'source', reachable(fs.source, opened))
    for (const option of fs.options) {
      const at = option.indexOf('=')
      if (at < 0) configure(context, option)
      else configure(context, option.slice(0, at), reachable(option.slice(at + 1), opened))
    }
    fsconfig(context, FSCONFIG.create, null, null)
    attach(
      context,
      target,
      attributes.reduce((bits, name) => bits | ATTRIBUTE[name], 0),
    )
  } catch (error) {
    throw explain(error as Error, context, fs, target)
  } finally {
    for (const fd of opened) closeSync(fd)
    closeSync(context)
  }
}

/**
 * A path that the kernel would not take as it is goes by way of a descriptor, which `opened` keeps until the mount is
 * made: one that is too long, or with a backslash, which overlayfs takes for the beginning of an escape.
 */
function reachable(value: string, opened: number[]): string {
  if (!value.startsWith('/') || (Buffer.byteLength(value) <= LONGEST_STRING && !value.includes('\\'))) return value
  const fd = openSync(value, O_PATH)
  opened.push(fd)
  return `/proc/self/fd/${fd}`
}

function attach(context: number, target: string, attributes: number): void {
  const args = [SYS.fsmount, context, FSMOUNT_CLOEXEC, attributes]
  const tree = call('long syscall(long n, long fd, long flags, long attributes)', args, target, 'fsmount')
  try {
    const move = 'long syscall(long n, long from, const uint8_t *fromPath, long to, const uint8_t *toPath, long flags)'
    call(
      move,
      [SYS.move_mount, tree, cPath(''), AT_FDCWD, cPath(target), MOVE_MOUNT_F_EMPTY_PATH],
      target,
      'move_mount',
    )
  } finally {
    closeSync(tree)
  }
}

function configure(context: number, key: string, value?: string): void {
  if (value === undefined) fsconfig(context, FSCONFIG.setFlag, key, null)
  else fsconfig(context, FSCONFIG.setString, key, value)
}

function fsconfig(context: number, command: number, key: string | null, value: string | null): void {
  const prototype = 'long syscall(long n, long fd, long command, const uint8_t *key, const uint8_t *value, long aux)'
  const args = [
    SYS.fsconfig,
    context,
    command,
    key === null ? null : cPath(key),
    value === null ? null : cPath(value),
    0,
  ]
  call(prototype, args, key === null ? undefined : value === null ? key : `${key}=${value}`, 'fsconfig')
}

/** The file-system context can be read for messages such as "e overlay: too many lower directories, limit is 500". */
function explain(error: Error, context: number, fs: Mount, target: string): Error {
  const messages: string[] = []
  const buffer = Buffer.alloc(4096)
  for (;;) {
    try {
      const length = call('int64_t read(int fd, _Out_ uint8_t *buffer, size_t size)', [context, buffer, buffer.length])
      if (length === 0) break
      messages.push(
        buffer
          .toString('utf8', 0, length)
          .replace(/^[ewi] /, '')
          .trim(),
      )
    } catch {
      break
    }
  }
  error.message = [`cannot mount ${fs.type} on ${target}: ${error.message}`, ...messages].join('; ')
  return error
}

/** Makes a file or directory appear at `target` too; `readonly` binds do not cover mounts below the source. */
export function bindMount(
  source: string | Buffer,
  target: string | Buffer,
  options: { readonly?: boolean } = {},
): void {
  mount2(source, target, MS.bind | MS.rec)
  if (options.readonly) mount2('none', target, MS.bind | MS.remount | MS.rdonly)
}

/**
 * After `unshare`: mounts made here stay here, those the host makes later still arrive. In a chroot, whose root is no
 * mount point, that cannot be set; it is good all the same when nothing here is shared, and fails otherwise.
 */
export function makeMountsPropagateInward(): void {
  try {
    mount2('none', '/', MS.rec | MS.slave)
  } catch (cause) {
    const isShared = readFileSync('/proc/self/mountinfo', 'utf8').includes(' shared:')
    if (errnoOf(cause) !== 'EINVAL' || isShared) {
      throw fail('MOUNTS_SHARED', 'mounts made in this chroot would be seen outside of it', {
        cause,
        hint: 'make the root of the chroot a mount point (mount --bind DIR DIR), or start it with: unshare --mount',
      })
    }
  }
}

function mount2(source: string | Buffer, target: string | Buffer, flags: number): void {
  const prototype =
    'int mount(const uint8_t *source, const uint8_t *target, const uint8_t *type, uint64_t flags, const void *data)'
  call(prototype, [cPath(source), cPath(target), null, flags, null], target)
}

/** Takes a mount away; `detach` does so even while it is in use, the kernel drops it with its last user. */
export function unmount(target: string | Buffer, options: { detach?: boolean } = {}): void {
  call('int umount2(const uint8_t *target, int flags)', [cPath(target), options.detach ? MNT_DETACH : 0], target)
}
