import { createHash } from 'node:crypto'
import { type BigIntStats, closeSync, lstatSync, openSync, readdirSync, readlinkSync, readSync } from 'node:fs'
import { type ByteString, byteStringFromBuffer } from '../core/index.ts'
import { listXattrs } from '../host/index.ts'
import type { FileTree } from './file-tree.ts'
import { hostPath } from './host-path.ts'

/** Everything about one name in a tree, as text, for comparing. */
export interface Described {
  kind: string
  mode: string
  owner: string
  size: number
  mtime: string
  nlink: number
  /** Link target, device number, or digest of the content. */
  content: string
  xattrs: string
  /** The first name of the same inode. */
  inode: string
}

const KINDS: ReadonlyMap<number, string> = new Map([
  [0o100000, 'file'],
  [0o040000, 'directory'],
  [0o120000, 'symlink'],
  [0o020000, 'char'],
  [0o060000, 'block'],
  [0o010000, 'fifo'],
])

/** Describes a directory of this host and all that is below it, by path. */
export function describeDirectory(root: string): Map<string, Described> {
  const found = new Map<string, Described>()
  const inodes = new Map<string, string>()
  const pending: ByteString[] = ['' as ByteString]
  for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
    const here = hostPath(root, path)
    const stat = lstatSync(here, { bigint: true })
    const kind = KINDS.get(Number(stat.mode) & 0o170000) ?? 'other'
    const identity = kind === 'directory' ? path : `${stat.dev}:${stat.ino}`
    if (!inodes.has(identity)) inodes.set(identity, path)
    found.set(path, {
      kind,
      mode: (Number(stat.mode) & 0o7777).toString(8),
      owner: `${stat.uid}:${stat.gid}`,
      size: kind === 'file' ? Number(stat.size) : 0,
      mtime: timeText(stat.mtimeNs),
      nlink: Number(stat.nlink),
      content: contentOf(here, kind, stat),
      xattrs: xattrText(listXattrs(here)),
      inode: inodes.get(identity)!,
    })
    if (kind !== 'directory') continue
    const names = readdirSync(here, { encoding: 'latin1' }).sort().reverse() as ByteString[]
    for (const name of names) pending.push((path === '' ? name : `${path}/${name}`) as ByteString)
  }
  return found
}

/** Describes what a FileTree shows. */
export async function describeFileTree(tree: FileTree): Promise<Map<string, Described>> {
  const found = new Map<string, Described>()
  const inodes = new Map<number, string>()
  const root = tree.stat('' as ByteString)
  for (const entry of [...(root ? [root] : []), ...tree.walk()]) {
    if (!inodes.has(entry.inode)) inodes.set(entry.inode, entry.path)
    const device = entry.device ? `${entry.device.major}:${entry.device.minor}` : ''
    found.set(entry.path, {
      kind: entry.kind,
      mode: entry.mode.toString(8),
      owner: `${entry.uid}:${entry.gid}`,
      size: entry.size,
      mtime: timeText(BigInt(entry.mtime.seconds) * BILLION + BigInt(entry.mtime.nanoseconds)),
      nlink: entry.nlink,
      content: entry.kind === 'file' ? await digestOf(tree, entry.path) : (entry.link ?? device),
      xattrs: xattrText(entry.xattrs),
      inode: inodes.get(entry.inode)!,
    })
  }
  return found
}

const BILLION = 1_000_000_000n

function timeText(nanoseconds: bigint): string {
  const fraction = ((nanoseconds % BILLION) + BILLION) % BILLION
  return `${(nanoseconds - fraction) / BILLION}.${String(fraction).padStart(9, '0')}`
}

function contentOf(path: string | Buffer, kind: string, stat: BigIntStats): string {
  if (kind === 'symlink') return byteStringFromBuffer(readlinkSync(path, { encoding: 'buffer' }))
  if (kind === 'char' || kind === 'block')
    return `${(stat.rdev >> 8n) & 0xfffn}:${(stat.rdev & 0xffn) | ((stat.rdev >> 12n) & 0xfff00n)}`
  return kind === 'file' ? digestFile(path) : ''
}

const buffer = Buffer.alloc(1 << 20)

function digestFile(path: string | Buffer): string {
  const hash = createHash('sha256')
  const fd = openSync(path, 'r')
  try {
    for (let read = readSync(fd, buffer); read > 0; read = readSync(fd, buffer)) hash.update(buffer.subarray(0, read))
  } finally {
    closeSync(fd)
  }
  return hash.digest('hex')
}

async function digestOf(tree: FileTree, path: ByteString): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of tree.read(path)) hash.update(chunk)
  return hash.digest('hex')
}

function xattrText(xattrs: ReadonlyMap<string, Uint8Array> | undefined): string {
  return [...(xattrs ?? [])]
    .filter(([name]) => !name.startsWith('trusted.overlay.'))
    .map(([name, value]) => `${name}=${Buffer.from(value).toString('hex')}`)
    .sort()
    .join(' ')
}

/** What a comparison should not look at. */
export interface Ignore {
  /** Link counts of directories: overlayfs and ext4 count differently. */
  ignoreDirectoryLinks?: boolean
  /** Times of directories: anything that is done in them and undone again changes them. */
  ignoreDirectoryTimes?: boolean
  /** The root's own attributes. */
  ignoreRoot?: boolean
  /** Directories that no entry of the archive describes: their times, modes and owners are anybody's guess. */
  ignoreDirectories?: ReadonlySet<string>
}

/** One line for each difference between two descriptions. */
export function differences(
  expected: Map<string, Described>,
  actual: Map<string, Described>,
  ignore: Ignore = {},
): string[] {
  const found: string[] = []
  for (const path of new Set([...expected.keys(), ...actual.keys()])) {
    const [a, b] = [expected.get(path), actual.get(path)]
    if (!a || !b) found.push(`${JSON.stringify(path)}: ${a ? 'missing' : 'should not be there'}`)
    else found.push(...fieldDifferences(path, a, b, ignore))
  }
  return found
}

function fieldDifferences(path: string, a: Described, b: Described, ignore: Ignore): string[] {
  if ((path === '' && ignore.ignoreRoot) || ignore.ignoreDirectories?.has(path)) return []
  return (Object.keys(a) as (keyof Described)[])
    .filter((field) => a[field] !== b[field])
    .filter((field) => !(field === 'nlink' && a.kind === 'directory' && ignore.ignoreDirectoryLinks))
    .filter((field) => !(field === 'mtime' && a.kind === 'directory' && ignore.ignoreDirectoryTimes))
    .map((field) => `${JSON.stringify(path)}: ${field} is ${b[field]}, not ${a[field]}`)
}
