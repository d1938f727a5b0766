import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Bytes } from '../../core/index.ts'
import { blocksOf, inOrder } from './blocks.ts'

const BLOCK = 1 << 20
const WINDOW = 32 << 10
// RFC 1952, section 2.3: no name, no time, unknown system.
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** An empty last block: RFC 1951, section 3.2.6, with the fixed codes. */
const END = Buffer.from([3, 0])

const deflateRaw: (buffer: Buffer, options: zlib.ZlibOptions) => Promise<Buffer> = promisify(zlib.deflateRaw)

/**
 * Compresses to one gzip member, several blocks at a time on libuv's threads. Every block knows the 32 KiB before it,
 * so the ratio is that of a single stream. The output depends on the bytes and the level only: not on how they come
 * in chunks, nor on the number of threads. `level` is zlib's, 0 to 9; 6 is the default.
 */
export async function* gzip(bytes: Bytes, options: { level?: number } = {}): Bytes {
  const level = options.level ?? 6
  let [crc, size] = [0, 0]
  let window: Buffer | undefined
  yield HEADER
  yield* inOrder(blocksOf(bytes, BLOCK), (block) => {
    const dictionary = window
    crc = zlib.crc32(block, crc)
    size += block.length
    window = block.subarray(-WINDOW)
    return compressBlock(block, level, dictionary)
  })
  yield END
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc, 0)
  trailer.writeUInt32LE(size % 2 ** 32, 4)
  yield trailer
}

/** Ends on a byte boundary, so that the next block can simply follow. */
function compressBlock(block: Buffer, level: number, dictionary: Buffer | undefined): Promise<Buffer> {
  const options = { level, memLevel: 8, chunkSize: BLOCK + 1024, finishFlush: zlib.constants.Z_SYNC_FLUSH }
  return deflateRaw(block, dictionary ? { ...options, dictionary } : options)
}
