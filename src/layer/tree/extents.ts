import type { TarEntry } from '../tar/entry.ts'
import type { DataSource, Extent, Node } from './node.ts'

/** Says where the content of an archive's file lies, when its stored body begins at `offset`. */
export function locateContent(node: Node, entry: TarEntry, source: DataSource, offset: number): void {
  if (entry.sparse) {
    node.extents = mergeExtents(
      entry.sparse.map((segment) => ({ ...segment, source, offset: offset + segment.offset })),
    )
  } else if (entry.size > 0) {
    node.source = source
    node.offset = offset
  }
}

/** The same extents, with neighbours made one where they touch in the file and in the source. */
export function mergeExtents(extents: Iterable<Extent>): Extent[] {
  const merged: Extent[] = []
  for (const extent of extents) {
    const last = merged.at(-1)
    const touches =
      last !== undefined &&
      last.source === extent.source &&
      last.start + last.length === extent.start &&
      last.offset + last.length === extent.offset
    if (touches) merged[merged.length - 1] = { ...last, length: last.length + extent.length }
    else merged.push(extent)
  }
  return merged
}

/** The index of the first extent that ends behind `position`: where a read at that place begins. */
export function extentAt(extents: readonly Extent[], position: number): number {
  let [low, high] = [0, extents.length]
  while (low < high) {
    const middle = (low + high) >> 1
    const extent = extents[middle]!
    if (extent.start + extent.length <= position) low = middle + 1
    else high = middle
  }
  return low
}

/** A part of a file as one read: bytes of a source, or zeros where `extent` is missing. */
export interface Piece {
  /** Where it lies in the file. */
  start: number
  length: number
  extent: Extent | undefined
}

/** The stretches of data and the holes between `start` and `end` of a file, in order. */
export function* piecesOf(extents: readonly Extent[], start: number, end: number): Generator<Piece, void, void> {
  let at = start
  for (let i = extentAt(extents, start); i < extents.length && at < end; i++) {
    const extent = extents[i]!
    if (extent.start > at) {
      const length = Math.min(extent.start, end) - at
      yield { start: at, length, extent: undefined }
      at += length
    }
    const length = Math.min(extent.start + extent.length, end) - at
    if (length > 0) yield { start: at, length, extent }
    at += Math.max(length, 0)
  }
  if (at < end) yield { start: at, length: end - at, extent: undefined }
}
