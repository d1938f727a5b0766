/** How a layer or archive is compressed. */
export type Compression = 'none' | 'gzip' | 'zstd' | 'bzip2' | 'xz'

/** Bytes that `sniffCompression` wants to see, when there are so many. */
export const SNIFF_BYTES = 6

const MAGIC: readonly [Compression, number[]][] = [
  ['gzip', [0x1f, 0x8b, 0x08]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bzip2', [0x42, 0x5a, 0x68]],
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
]

/** Tells the compression from the first bytes; anything unknown is `none`. */
export function sniffCompression(head: Uint8Array): Compression {
  for (const [compression, magic] of MAGIC) if (magic.every((byte, i) => head[i] === byte)) return compression
  return isSkippableFrame(head) ? 'zstd' : 'none'
}

/** RFC 8878, section 3.1.2: the magic number is 0x184D2A50 to 0x184D2A5F, little-endian. */
function isSkippableFrame(head: Uint8Array): boolean {
  return (head[0] ?? 0) >> 4 === 5 && head[1] === 0x2a && head[2] === 0x4d && head[3] === 0x18
}
