import { type ByteString, byteStringFromBuffer, byteStringToBuffer, fail, fromByteString } from '../../core/index.ts'
import { type LayerLimits, overLimit, quoteName } from '../limits.ts'

/** Longest name of a directory entry on Linux, in bytes. */
const NAME_MAX = 255

/** Symlinks followed on one path before it counts as a loop, as in Linux. */
export const MAX_SYMLINKS = 40

/** The names a path consists of; empty ones and `.` are left out. */
export function splitPath(path: ByteString): ByteString[] {
  return path.split('/').filter((name) => name !== '' && name !== '.') as ByteString[]
}

/** A path out of a directory and a name in it. */
export function joinPath(directory: ByteString, name: ByteString): ByteString {
  return directory === '' ? name : (`${directory}/${name}` as ByteString)
}

/**
 * The names that an archive's entry stands for below the root, with `..` taken back lexically as Docker does.
 * Fails with `LAYER_ENTRY_REFUSED` for a name that climbs out of the root or that no file system can hold.
 */
export function entryPath(name: ByteString, limits: LayerLimits): ByteString[] {
  if (name.length > limits.pathBytes) {
    throw overLimit('pathBytes', name, `a path of ${name.length} bytes`, limits.pathBytes)
  }
  const names: ByteString[] = []
  for (const part of splitPath(name)) {
    if (part === '..') {
      if (names.pop() === undefined) throw refuse(name, 'the path leads out of the root of the archive')
    } else {
      checkName(part, name)
      names.push(part)
    }
  }
  return names
}

/**
 * A name of its own. JavaScript keeps all of a long string for a part of it: a layer of long paths, each with a short
 * last name, would fill the memory.
 */
export function detach(name: ByteString, path: ByteString): ByteString {
  return path.length < 4 * NAME_MAX ? name : byteStringFromBuffer(byteStringToBuffer(name))
}

/** Refuses one name that no directory can hold. */
export function checkName(part: ByteString, entry: ByteString): void {
  if (part.length > NAME_MAX) throw refuse(entry, `file name too long: ${part.length} bytes`)
  if (part.includes('\0')) throw refuse(entry, 'the name holds a NUL byte')
}

/** The error for an entry that must not be in a layer. */
export function refuse(entry: ByteString, why: string): Error {
  return fail('LAYER_ENTRY_REFUSED', `${quoteName(entry)}: ${why}`, { data: { entry: fromByteString(entry) } })
}
