import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Bytes } from '../../core/index.ts'
import { blocksOf, inOrder } from './blocks.ts'

const FRAME = 4 << 20

const compress: (buffer: Buffer, options: zlib.ZstdOptions) => Promise<Buffer> = promisify(zlib.zstdCompress)

/**
 * Compresses to zstd frames of 4 MiB each, several at a time on libuv's threads. The output depends on the bytes and
 * the level only. `level` is zstd's, 1 to 22; 3 is the default.
 */
export async function* zstd(bytes: Bytes, options: { level?: number } = {}): Bytes {
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: options.level ?? 3 }
  let empty = true
  const spare: Buffer[] = []
  yield* inOrder(blocksOf(bytes, FRAME, spare), async (block) => {
    empty = false
    const compressed = await compress(block, { params, chunkSize: FRAME >> 1, pledgedSrcSize: block.length })
    if (block.length === FRAME) spare.push(block)
    return compressed
  })
  if (empty) yield await compress(Buffer.alloc(0), { params })
}
