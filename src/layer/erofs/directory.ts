import type { ByteString } from '../../core/index.ts'
import type { Node } from '../tree/node.ts'
import { BLOCK, DIRENT } from './format.ts'

/** How a directory's names are spread over blocks. */
export interface DirectoryPlan {
  node: Node
  parent: Node
  /** All of them in byte order, with `.` and `..`. */
  names: ByteString[]
  /** Blocks before the last one. */
  fullBlocks: number
  /** Bytes used in the last block. */
  tail: number
}

/** Plans a directory. Names go into blocks in order, as many as fit. */
export function planDirectory(node: Node, parent: Node): DirectoryPlan {
  // Strings of one character per byte: the default order is byte order.
  const names = ['.', '..', ...node.children!.keys()].sort() as ByteString[]
  let [fullBlocks, tail] = [0, 0]
  for (const name of names) {
    const need = DIRENT + name.length
    if (tail + need > BLOCK) {
      fullBlocks++
      tail = 0
    }
    tail += need
  }
  return { node, parent, names, fullBlocks, tail }
}

/** Size of a directory, as its inode says it. */
export function directorySize(plan: DirectoryPlan): number {
  return plan.fullBlocks * BLOCK + plan.tail
}

/** The index of the name behind the last one that fits into a block with the name at `from`. */
export function blockEnd(names: readonly ByteString[], from: number): number {
  let used = 0
  let i = from
  for (; i < names.length; i++) {
    used += DIRENT + names[i]!.length
    if (used > BLOCK) break
  }
  return i
}

/** Writes the names `from` to `end` as one block, at `at` of a buffer of zeros. */
export function writeDirectoryBlock(
  buffer: Buffer,
  at: number,
  names: readonly ByteString[],
  range: { from: number; end: number },
  target: (name: ByteString) => { nid: number; type: number },
): void {
  let nameAt = DIRENT * (range.end - range.from)
  for (let i = range.from, entry = at; i < range.end; i++, entry += DIRENT) {
    const name = names[i]!
    const { nid, type } = target(name)
    buffer.writeUInt32LE(nid, entry)
    buffer.writeUInt16LE(nameAt, entry + 8)
    buffer[entry + 10] = type
    buffer.write(name, at + nameAt, 'latin1')
    nameAt += name.length
  }
}
