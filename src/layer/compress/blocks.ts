import { availableParallelism } from 'node:os'
import type { Bytes } from '../../core/index.ts'

/**
 * The same bytes in buffers of exactly `size` bytes, the last one maybe shorter; none for no bytes. They are copied into
 * blocks of `spare` where there are any: who is done with a block may put it there. New ones for each would keep the
 * garbage collector busy.
 */
export async function* blocksOf(bytes: Bytes, size: number, spare: Buffer[] = []): AsyncGenerator<Buffer, void, void> {
  let block = spare.pop() ?? Buffer.allocUnsafeSlow(size)
  let have = 0
  for await (const chunk of bytes) {
    for (let at = 0; at < chunk.length; ) {
      const piece = chunk.subarray(at, at + size - have)
      block.set(piece, have)
      have += piece.length
      at += piece.length
      if (have < size) continue
      yield block
      block = spare.pop() ?? Buffer.allocUnsafeSlow(size)
      have = 0
    }
  }
  if (have > 0) yield block.subarray(0, have)
}

/** Works on several items at once and gives the results in the order of the items. */
export async function* inOrder<T, R>(items: AsyncIterable<T>, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  const running: Promise<R>[] = []
  const limit = availableParallelism() + 1
  for await (const item of items) {
    const result = work(item)
    // The failure is thrown below, when its turn comes; until then it must not count as unhandled.
    result.catch(() => {})
    running.push(result)
    if (running.length >= limit) yield await running.shift()!
  }
  for (const result of running) yield await result
}
