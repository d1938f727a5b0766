import { type ByteString, byteStringFromBuffer, fail } from '../../core/index.ts'
import { TAR_BLOCK } from './entry.ts'

/** The fields of a header block as they stand there, before extensions. */
export interface RawHeader {
  name: ByteString
  mode: number
  uid: number
  gid: number
  size: number
  mtime: number
  /** Character code of the type flag; 0 in archives older than POSIX. */
  flag: number
  link: ByteString
  major: number
  minor: number
}

// Offsets and lengths of POSIX.1-1988 ustar, which older and newer formats share.
const CHECKSUM = 148
const FLAG = 156
const MAGIC = 257
const PREFIX = 345

/** Whether a block is all zeros: two of them end an archive. */
export function isZeroBlock(block: Buffer): boolean {
  return block[0] === 0 && block.equals(ZERO_BLOCK)
}
const ZERO_BLOCK = Buffer.alloc(TAR_BLOCK)

/** Reads a header block. `at` is its offset in the archive, for messages. Fails with `TAR_INVALID`. */
export function parseHeader(block: Buffer, at: number): RawHeader {
  checkSum(block, at)
  const ustar = block[MAGIC] === 0x75 && block.toString('latin1', MAGIC, MAGIC + 5) === 'ustar'
  const [flag, isDevice] = [block[FLAG]!, block[FLAG] === 0x33 || block[FLAG] === 0x34]
  return {
    name: fullName(block, ustar),
    mode: readNumber(block, 100, 8, at),
    uid: readNumber(block, 108, 8, at),
    gid: readNumber(block, 116, 8, at),
    size: readNumber(block, 124, 12, at),
    mtime: readNumber(block, 136, 12, at),
    flag,
    link: readText(block, 157, 100),
    major: isDevice && ustar ? readNumber(block, 329, 8, at) : 0,
    minor: isDevice && ustar ? readNumber(block, 337, 8, at) : 0,
  }
}

/** Only POSIX ustar ("ustar" and a NUL) has a prefix; GNU ("ustar" and a space) keeps times there. */
function fullName(block: Buffer, ustar: boolean): ByteString {
  const name = readText(block, 0, 100)
  if (!ustar || block[PREFIX] === 0) return name
  const isGnu = block[MAGIC + 5] !== 0
  if (isGnu && !hasPrefixForTimes(block)) return name
  const isStar = block[508] === 0x74 && block.toString('latin1', 508, 512) === 'tar\0'
  return `${readText(block, PREFIX, isStar ? 131 : 155)}/${name}` as ByteString
}

/**
 * Go before 1.8, and so layers that Docker made then, wrote a prefix into GNU headers. Like Go today, take it for one
 * when it cannot be the access and change times and is ASCII.
 */
function hasPrefixForTimes(block: Buffer): boolean {
  try {
    for (const start of [PREFIX, PREFIX + 12]) if (block[start] !== 0) readNumber(block, start, 12, 0)
    return false
  } catch {
    return block.subarray(PREFIX, PREFIX + 155).every((byte) => byte < 0x80)
  }
}

function checkSum(block: Buffer, at: number): void {
  let unsigned = 0
  for (let i = 0; i < TAR_BLOCK; i++) unsigned += block[i]!
  for (let i = CHECKSUM; i < CHECKSUM + 8; i++) unsigned -= block[i]!
  unsigned += 8 * 0x20
  const expected = readNumber(block, CHECKSUM, 8, at)
  if (expected === unsigned || expected === signedSum(block)) return
  throw tarInvalid('invalid tar header: the checksum is wrong', at)
}

/** Some early programs summed signed characters. */
function signedSum(block: Buffer): number {
  let sum = 0
  for (let i = 0; i < TAR_BLOCK; i++) sum += i >= CHECKSUM && i < CHECKSUM + 8 ? 0x20 : block.readInt8(i)
  return sum
}

/** The text of a field, up to its first NUL. */
export function readText(block: Buffer, start: number, length: number): ByteString {
  let end = start
  while (end < start + length && block[end] !== 0) end++
  return byteStringFromBuffer(block, start, end)
}

/** A number field: octal digits between blanks, or base-256 when its top bit is set. Empty is 0. */
export function readNumber(block: Buffer, start: number, length: number, at: number): number {
  if (block[start]! & 0x80) return readBinary(block, start, length, at)
  const end = start + length
  let i = start
  while (i < end && isBlank(block[i]!)) i++
  let value = 0
  for (; i < end; i++) {
    const digit = block[i]! - 0x30
    if (digit < 0 || digit > 7) break
    value = value * 8 + digit
  }
  while (i < end && block[i] === 0x20) i++
  if (i < end && block[i] !== 0) throw tarInvalid(`invalid tar header: a number is not octal (field at ${start})`, at)
  return value
}

const isBlank = (byte: number): boolean => byte === 0x20 || byte === 0

/** Big-endian two's complement; the top bit only marks the form, the one below it is the sign. */
function readBinary(block: Buffer, start: number, length: number, at: number): number {
  const invert = block[start]! & 0x40 ? 0xff : 0
  let value = 0
  for (let i = start; i < start + length; i++) {
    const byte = (block[i]! ^ invert) & (i === start ? 0x7f : 0xff)
    value = value * 256 + byte
    if (value > Number.MAX_SAFE_INTEGER) {
      throw tarInvalid(`invalid tar header: a number is too large (field at ${start})`, at)
    }
  }
  return invert ? -value - 1 : value
}

/** The error for a malformed archive, with the place. */
export function tarInvalid(message: string, at: number): Error {
  return fail('TAR_INVALID', `${message}, at byte ${at} of the archive`, { data: { offset: at } })
}
