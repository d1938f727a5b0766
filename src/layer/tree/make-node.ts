import { fail } from '../../core/index.ts'
import type { Entry } from '../entry.ts'
import { quoteName } from '../limits.ts'
import type { TarEntry } from '../tar/entry.ts'
import { layerAttributes } from './attributes.ts'
import { locateContent } from './extents.ts'
import { type DataSource, type Extent, Node } from './node.ts'
import { refuse } from './path.ts'
import type { Warnings } from './warnings.ts'

/** Longest target of a symlink on Linux: PATH_MAX without its NUL. */
const LINK_MAX = 4095
// EROFS holds device numbers in 32 bits: 12 and 20.
const MAX_MAJOR = 0xfff
const MAX_MINOR = 0xfffff

/**
 * The node for an entry that is no hard link. Fails with `LAYER_ENTRY_REFUSED` for what no layer may hold, and with
 * `TAR_UNSUPPORTED` for types of entries that no file system has.
 */
export function makeNode(entry: TarEntry, source: DataSource, offset: number, warnings: Warnings): Node {
  if (entry.type === 'other' || entry.type === 'hardlink') throw unsupported(entry)
  const node = new Node(entry.type, layerAttributes(entry, warnings))
  if (entry.type === 'file') {
    node.size = entry.size
    locateContent(node, entry, source, offset)
  } else if (entry.type === 'symlink') {
    node.mode = 0o777
    node.link = checkedLink(entry)
  } else if (entry.type === 'char' || entry.type === 'block') node.device = checkedDevice(entry)
  return node
}

/** The node for a file that lies in a lower layer. */
export function nodeFromLower(entry: Entry, extents: readonly Extent[]): Node {
  const node = new Node(entry.kind, entry)
  node.size = entry.size
  node.extents = extents
  node.link = entry.link
  node.device = entry.device
  return node
}

function checkedLink(entry: TarEntry): Node['link'] {
  const length = entry.link.length
  if (length > 0 && length <= LINK_MAX && !entry.link.includes('\0')) return entry.link
  throw refuse(entry.name, `a symlink whose target has ${length} bytes`)
}

function checkedDevice(entry: TarEntry): Node['device'] {
  const { major, minor } = entry.device
  if (entry.type === 'char' && major === 0 && minor === 0) {
    throw refuse(entry.name, 'a character device 0:0, which would hide a file of a lower layer')
  }
  if (major < 0 || major > MAX_MAJOR || minor < 0 || minor > MAX_MINOR) {
    throw refuse(entry.name, `the device number ${major}:${minor} is out of range`)
  }
  return entry.device
}

function unsupported(entry: TarEntry): Error {
  return fail('TAR_UNSUPPORTED', `unhandled tar header type ${JSON.stringify(entry.flag)} of ${quoteName(entry.name)}`)
}
