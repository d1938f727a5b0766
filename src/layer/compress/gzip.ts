import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { Bytes } from '../../core/index.ts'
import { blocksOf, inOrder } from './blocks.ts'

const BLOCK = 1 << 20
/** Most blocks become smaller than this. */
const CHUNK = BLOCK >> 1
const WINDOW = 32 << 10
const DEFAULT_LEVEL = 4
// RFC 1952, section 2.3: no name, no time, unknown system.
const HEADER = Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff])
/** An empty last block: RFC 1951, section 3.2.6, with the fixed codes. */
const END = Buffer.from([3, 0])

const deflateRaw: (buffer: Buffer, options: zlib.ZlibOptions) => Promise<Buffer> = promisify(zlib.deflateRaw)

/**
 * Compresses to one gzip member, several blocks at a time on libuv's threads. Every block knows the 32 KiB before it,
 * so the ratio is that of a single stream. The output depends on the bytes and the level only: not on how they come
 * in chunks, nor on the number of threads. `level` is zlib's, 0 to 9; the default, 4, makes what is no larger than other
 * builders' layers (level 6 of Go's libraries) and takes half the time of zlib's own 6.
 */
export async function* gzip(bytes: Bytes, options: { level?: number } = {}): Bytes {
  const level = options.level ?? DEFAULT_LEVEL
  let [crc, size] = [0, 0]
  let window: Buffer | undefined
  yield HEADER
  const spare: Buffer[] = []
  yield* inOrder(blocksOf(bytes, BLOCK, spare), async (block) => {
    const dictionary = window
    crc = zlib.crc32(block, crc)
    size += block.length
    window = Buffer.from(block.subarray(-WINDOW))
    const compressed = await compressBlock(block, level, dictionary)
    if (block.length === BLOCK) spare.push(block)
    return compressed
  })
  yield END
  const trailer = Buffer.alloc(8)
  trailer.writeUInt32LE(crc, 0)
  trailer.writeUInt32LE(size % 2 ** 32, 4)
  yield trailer
}

/** Ends on a byte boundary, so that the next block can simply follow. */
function compressBlock(block: Buffer, level: number, dictionary: Buffer | undefined): Promise<Buffer> {
  const options = { level, memLevel: 8, chunkSize: CHUNK, finishFlush: zlib.constants.Z_SYNC_FLUSH }
  return deflateRaw(block, dictionary ? { ...options, dictionary } : options)
}
