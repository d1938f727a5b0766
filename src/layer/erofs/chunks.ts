import { fail } from '../../core/index.ts'
import type { DataSource, Extent, Node } from '../tree/node.ts'
import { BLOCK, CHUNK_ENTRY } from './format.ts'

/** How a file's content is addressed: in chunks of one size, each a hole, or somewhere in a tar, or in the index. */
export interface ChunkPlan {
  /** The chunk size is a block, doubled so many times. */
  bits: number
  count: number
  /** Chunks whose bytes are copied into the index, because the tar does not have them in one aligned piece. */
  copied: number
}

const MAX_BITS = 31
/** What one file may add to an index: only a hostile sparse map needs as much. */
const MAX_COST = 256 << 20

export function chunkSize(plan: ChunkPlan): number {
  return BLOCK * 2 ** plan.bits
}

/** The plan for a file of which `isWhole` is true: the smallest chunk that holds all of it. */
export function planWholeFile(size: number): ChunkPlan {
  const bits = Math.max(0, Math.min(MAX_BITS, Math.ceil(Math.log2(size / BLOCK))))
  return { bits, count: Math.ceil(size / (BLOCK * 2 ** bits)), copied: 0 }
}

/**
 * Finds the chunk size that costs the index least. A plain file takes one chunk, however large. In a sparse file,
 * chunks that begin or end inside of a stretch of data have to be copied: small chunks copy less and are more to list.
 */
export function planChunks(node: Node): ChunkPlan {
  let best: ChunkPlan | undefined
  let bestCost = Number.POSITIVE_INFINITY
  for (let bits = 0; bits <= MAX_BITS; bits++) {
    const size = BLOCK * 2 ** bits
    const plan = { bits, count: Math.ceil(node.size / size), copied: copiedChunks(node, size) }
    const cost = plan.count * CHUNK_ENTRY + plan.copied * size
    if (cost < bestCost) [best, bestCost] = [plan, cost]
    if (plan.count <= 1) break
  }
  if (best === undefined || bestCost > MAX_COST) {
    throw fail('LAYER_LIMIT_EXCEEDED', `a sparse file of ${node.size} bytes is scattered too finely`, {
      data: { limit: 'sparseSegments', size: node.size },
    })
  }
  return best
}

/** Whether a file needs no plan of its own: all of it lies in a tar where a chunk can point to, or all of it is a hole. */
export function isWhole(node: Node): boolean {
  const { source, offset, size } = node
  if (source === undefined) return node.extents.length === 0
  return source.diffId !== undefined && offset % BLOCK === 0 && offset + size <= wholeBlocks(source)
}

/** Whether an extent's bytes are in a tar, in whole blocks, at a place that a chunk can point to. */
export function isAddressable({ source, start, length, offset }: Extent): boolean {
  return source.diffId !== undefined && (offset - start) % BLOCK === 0 && offset + length <= wholeBlocks(source)
}

/**
 * Where an archive ends in the middle of a block, the kernel cannot read that block: the extent that reaches into it
 * is cut in two, so that only its end has to be copied.
 */
export function cutAtLastBlock(node: Node): void {
  const last = node.extents.at(-1)
  if (last === undefined || last.source.diffId === undefined) return
  const end = wholeBlocks(last.source)
  const length = end - last.offset
  if (length <= 0 || length >= last.length) return
  const tail = { ...last, start: last.start + length, length: last.length - length, offset: end }
  node.extents = [...node.extents.slice(0, -1), { ...last, length }, tail]
}

function wholeBlocks(source: DataSource): number {
  return source.size - (source.size % BLOCK)
}

function copiedChunks(node: Node, size: number): number {
  let copied = 0
  let last = -1
  const copy = (from: number, to: number): void => {
    copied += Math.max(0, to - Math.max(from, last + 1) + 1)
    last = Math.max(last, to)
  }
  for (const extent of node.extents) {
    const end = extent.start + extent.length
    const [first, final] = [Math.floor(extent.start / size), Math.floor((end - 1) / size)]
    if (!isAddressable(extent)) copy(first, final)
    else {
      if (extent.start > first * size) copy(first, first)
      if (end < Math.min((final + 1) * size, node.size)) copy(final, final)
    }
  }
  return copied
}

/** One chunk: a hole when it has neither an extent nor is copied. */
export interface Chunk {
  start: number
  /** The extent that holds all of it. */
  extent: Extent | undefined
  copied: boolean
}

/** The chunks of a file in order. */
export function* chunksOf(node: Node, plan: ChunkPlan): Generator<Chunk, void, void> {
  const { extents } = node
  const size = chunkSize(plan)
  let next = 0
  for (let i = 0; i < plan.count; i++) {
    const start = i * size
    const end = Math.min(start + size, node.size)
    while (next < extents.length && extentEnd(extents[next]!) <= start) next++
    const extent = extents[next]
    if (extent === undefined || extent.start >= end) yield { start, extent: undefined, copied: false }
    else if (extent.start <= start && extentEnd(extent) >= end && isAddressable(extent)) {
      yield { start, extent, copied: false }
    } else yield { start, extent: undefined, copied: true }
  }
}

function extentEnd(extent: Extent): number {
  return extent.start + extent.length
}
