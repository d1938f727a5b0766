import type { ByteString } from '../../core/index.ts'
import { type LayerLimits, overLimit } from '../limits.ts'
import type { TarEntry, TarType } from './entry.ts'
import { type RawHeader, tarInvalid } from './header.ts'
import { PAX_XATTR, type PaxRecords, paxInteger, paxTime } from './pax.ts'
import { parseSparseList, type SparseMap } from './sparse.ts'

/** What the headers before an entry say about it. */
export interface Extensions {
  pax?: PaxRecords | undefined
  longName?: ByteString | undefined
  longLink?: ByteString | undefined
}

/** An entry whose sparse map may still have to be read from what follows its header. */
export interface Assembled {
  entry: TarEntry
  /** Bytes in the archive that belong to it, without padding. */
  stored: number
  /** The real size, when a sparse format gives one. */
  realSize?: number | undefined
  map?: SparseMap | undefined
  /** PAX sparse format 1.0: the map is text at the head of the body. */
  mapInBody?: boolean
}

const TYPES: Record<string, TarType> = {
  '\0': 'file',
  '0': 'file',
  '1': 'hardlink',
  '2': 'symlink',
  '3': 'char',
  '4': 'block',
  '5': 'directory',
  '6': 'fifo',
  '7': 'file',
  S: 'file',
}

const NO_PAX: PaxRecords = new Map()

/**
 * Applies extension headers to the entry they precede. Where they disagree: PAX over the header, and GNU long names
 * over PAX, as Go's archive/tar does. `at` is the place of the header in the archive.
 */
export function assembleEntry(header: RawHeader, extensions: Extensions, limits: LayerLimits, at: number): Assembled {
  const pax = extensions.pax ?? NO_PAX
  const flag = String.fromCharCode(header.flag)
  const name = extensions.longName ?? textOf(pax, 'path') ?? header.name
  const entry: TarEntry = {
    name,
    type: flag === '\0' && name.endsWith('/') ? 'directory' : (TYPES[flag] ?? 'other'),
    flag,
    mode: header.mode & 0o7777,
    uid: paxInteger(pax, 'uid', at) ?? header.uid,
    gid: paxInteger(pax, 'gid', at) ?? header.gid,
    size: paxInteger(pax, 'size', at) ?? header.size,
    mtime: paxTime(pax, 'mtime', at) ?? { seconds: header.mtime, nanoseconds: 0 },
    link: extensions.longLink ?? textOf(pax, 'linkpath') ?? header.link,
    device: { major: header.major, minor: header.minor },
    xattrs: extensions.pax && xattrsOf(pax, name, limits),
    pax: extensions.pax,
  }
  if (entry.size < 0) throw tarInvalid(`invalid tar header: the size is negative`, at)
  return withBody(entry, pax, limits, at)
}

/** Only files and unknown types have a body; the size of a directory or link is a leftover (as in archive/tar). */
function withBody(entry: TarEntry, pax: PaxRecords, limits: LayerLimits, at: number): Assembled {
  const stored = entry.type === 'file' || entry.type === 'other' ? entry.size : 0
  if (entry.type !== 'file') entry.size = 0
  if (entry.type !== 'file' || pax === NO_PAX) return { entry, stored }
  const version = `${textOf(pax, 'GNU.sparse.major') ?? ''}.${textOf(pax, 'GNU.sparse.minor') ?? ''}`
  const map = textOf(pax, 'GNU.sparse.map')
  if (version === '.' && map === undefined) return { entry, stored }
  if (version !== '1.0' && version !== '0.0' && version !== '0.1' && version !== '.') {
    throw tarInvalid(`unknown sparse format ${JSON.stringify(version.slice(0, 20))}`, at)
  }
  entry.name = textOf(pax, 'GNU.sparse.name') ?? entry.name
  const realSize = paxInteger(pax, 'GNU.sparse.realsize', at) ?? paxInteger(pax, 'GNU.sparse.size', at)
  if (realSize === undefined || realSize < 0) throw tarInvalid('invalid sparse header: the size is missing', at)
  if (version === '1.0') return { entry, stored, realSize, mapInBody: true }
  return { entry, stored, realSize, map: map ? parseSparseList(map, { name: entry.name, at, limits }) : [] }
}

function textOf(pax: PaxRecords, key: string): ByteString | undefined {
  return pax.get(key)?.toString('latin1') as ByteString | undefined
}

function xattrsOf(pax: PaxRecords, name: ByteString, limits: LayerLimits): Map<string, Buffer> | undefined {
  let found: Map<string, Buffer> | undefined
  let bytes = 0
  for (const [key, value] of pax) {
    if (!key.startsWith(PAX_XATTR)) continue
    found ??= new Map()
    // A copy: the value may be a small part of a large header, which it would keep in memory.
    found.set(key.slice(PAX_XATTR.length), Buffer.from(value))
    bytes += key.length - PAX_XATTR.length + value.length
  }
  if (bytes > limits.xattrBytes) {
    throw overLimit('xattrBytes', name, `extended attributes of ${bytes} bytes`, limits.xattrBytes)
  }
  return found
}
