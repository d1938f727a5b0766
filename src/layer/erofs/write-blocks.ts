import type { Steps } from '../steps.ts'
import type { Node } from '../tree/node.ts'
import { SourceReader } from '../tree/sources.ts'
import { type ChunkPlan, chunkSize, chunksOf } from './chunks.ts'
import { blockEnd, type DirectoryPlan, writeDirectoryBlock } from './directory.ts'
import * as F from './format.ts'
import { childTarget, dataShape, type Layout } from './layout.ts'
import type { Sink } from './sink.ts'

/** Bytes that are copied at once. */
const PIECE = 1 << 20

/** Writes the data that is not behind an inode: of directories and symlinks, then the copied chunks of files. */
export function* writeBlocks(sink: Sink, layout: Layout): Steps<void> {
  using reader = new SourceReader()
  for (const [node, block] of layout.blocks) {
    yield
    sink.zerosTo(block * F.BLOCK)
    const directory = layout.directories.get(node)
    const chunks = layout.chunks.get(node)
    if (directory) writeNames(sink, directory, layout)
    else if (chunks) yield* copyChunks(sink, node, chunks, reader)
    else sink.write(Buffer.from(node.link!.slice(0, dataShape(node, layout).fullBlocks * F.BLOCK), 'latin1'))
  }
}

function writeNames(sink: Sink, plan: DirectoryPlan, layout: Layout): void {
  const { fullBlocks } = dataShape(plan.node, layout)
  const target = childTarget(plan, layout)
  for (let i = 0, from = 0; i < fullBlocks; i++) {
    const end = blockEnd(plan.names, from)
    writeDirectoryBlock(sink.buffer, sink.reserve(F.BLOCK), plan.names, { from, end }, target)
    from = end
  }
}

function* copyChunks(sink: Sink, node: Node, plan: ChunkPlan, reader: SourceReader): Steps<void> {
  const size = chunkSize(plan)
  const { extents } = node
  for (const { start, copied } of chunksOf(node, plan)) {
    if (!copied) continue
    const end = sink.position + size
    for (let done = 0; done < size && start + done < node.size; done += PIECE) {
      yield
      const length = Math.min(PIECE, size - done, node.size - start - done)
      const at = sink.reserve(length)
      reader.read(extents, start + done, sink.buffer.subarray(at, at + length))
    }
    sink.zerosTo(end)
  }
}
