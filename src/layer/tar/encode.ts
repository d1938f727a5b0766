import { type ByteString, byteStringToBuffer } from '../../core/index.ts'
import { TAR_BLOCK, type TarEntry } from './entry.ts'
import { paddingOf } from './parser.ts'
import { PAX_XATTR } from './pax.ts'

/** What an entry to be written needs to say; the rest is as in a file of no interest. */
export type TarInput = Pick<TarEntry, 'name' | 'type' | 'mode' | 'uid' | 'gid' | 'mtime' | 'xattrs'> &
  Partial<Pick<TarEntry, 'size' | 'link' | 'device'>>

const FLAGS: Record<TarInput['type'], string> = {
  file: '0',
  hardlink: '1',
  symlink: '2',
  char: '3',
  block: '4',
  directory: '5',
  fifo: '6',
  other: '',
}

const MAX_7_DIGITS = 0o7777777
const MAX_11_DIGITS = 0o77777777777

/** Two blocks of zeros: the end of an archive. */
export const TAR_END: Buffer = Buffer.alloc(2 * TAR_BLOCK)

/** Bytes that are the same in every header: zeros with the ustar mark and version. */
const TEMPLATE: Buffer = Buffer.alloc(TAR_BLOCK)
TEMPLATE.write('ustar\x0000', 257, 'latin1')

/**
 * The blocks that stand before an entry's body: a ustar header, with a PAX header before it when the entry does not
 * fit into ustar. The same entry always gives the same bytes. Directories are named with a slash at the end.
 */
export function encodeTarHeader(entry: TarInput): Buffer {
  const name = (entry.type === 'directory' && !entry.name.endsWith('/') ? `${entry.name}/` : entry.name) as ByteString
  const place = splitName(name)
  const records = paxRecords(entry, place === undefined ? name : undefined)
  if (records.length === 0) return encodeBlock(entry, place!)
  const body = Buffer.concat(records)
  const pax: TarInput = { ...PAX_HEADER, size: body.length }
  const blocks = [
    encodeBlock(pax, splitName(pax.name)!, 'x'),
    body,
    Buffer.alloc(paddingOf(body.length)),
    encodeBlock(entry, place ?? { prefix: '', name: name.slice(0, 100) }),
  ]
  return Buffer.concat(blocks)
}

const PAX_HEADER: TarInput = {
  name: 'PaxHeaders/entry' as ByteString,
  type: 'file',
  mode: 0o644,
  uid: 0,
  gid: 0,
  mtime: { seconds: 0, nanoseconds: 0 },
}

/** The two fields a ustar name goes into, or `undefined` when it is too long for them. */
function splitName(name: string): { prefix: string; name: string } | undefined {
  if (name.length <= 100) return { prefix: '', name }
  if (name.length > 256) return undefined
  // The first slash that leaves at most 100 bytes for the name; a slash at the very end leaves none.
  const slash = name.indexOf('/', name.length - 101)
  if (slash <= 0 || slash > 155 || slash === name.length - 1) return undefined
  return { prefix: name.slice(0, slash), name: name.slice(slash + 1) }
}

function paxRecords(entry: TarInput, longName: string | undefined): Buffer[] {
  const records: Buffer[] = []
  const add = (key: string, value: string | Uint8Array): void => {
    records.push(paxRecord(key, typeof value === 'string' ? Buffer.from(value, 'latin1') : value))
  }
  const { seconds, nanoseconds } = entry.mtime
  if (entry.gid > MAX_7_DIGITS) add('gid', String(entry.gid))
  if (entry.link !== undefined && entry.link.length > 100) add('linkpath', entry.link)
  if (nanoseconds !== 0 || seconds < 0 || seconds > MAX_11_DIGITS) add('mtime', formatTime(seconds, nanoseconds))
  if (longName !== undefined) add('path', longName)
  if (entry.size !== undefined && entry.size > MAX_11_DIGITS) add('size', String(entry.size))
  if (entry.uid > MAX_7_DIGITS) add('uid', String(entry.uid))
  if (entry.xattrs) for (const [key, value] of [...entry.xattrs].sort(byName)) add(PAX_XATTR + key, value)
  return records
}

const byName = ([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number => (a < b ? -1 : 1)

function formatTime(seconds: number, nanoseconds: number): string {
  const negative = seconds < 0
  const whole = negative && nanoseconds > 0 ? -(seconds + 1) : Math.abs(seconds)
  const fraction = negative && nanoseconds > 0 ? 1e9 - nanoseconds : nanoseconds
  const digits = fraction === 0 ? '' : `.${String(fraction).padStart(9, '0').replace(/0+$/, '')}`
  return `${negative ? '-' : ''}${whole}${digits}`
}

/** `length keyword=value\n`, where the length counts its own digits too. */
function paxRecord(key: string, value: Uint8Array): Buffer {
  const rest = key.length + value.length + 3
  let length = rest + String(rest).length
  if (String(length).length !== String(rest).length) length = rest + String(length).length
  return Buffer.concat([Buffer.from(`${length} ${key}=`, 'latin1'), value, NEWLINE], length)
}
const NEWLINE = Buffer.from('\n')

function encodeBlock(
  entry: TarInput,
  place: { prefix: string; name: string },
  flag: string = FLAGS[entry.type],
): Buffer {
  const block = Buffer.from(TEMPLATE)
  block.write(place.name, 0, 100, 'latin1')
  writeOctal(block, entry.mode & 0o7777, 100, 7)
  writeOctal(block, fitting(entry.uid, MAX_7_DIGITS), 108, 7)
  writeOctal(block, fitting(entry.gid, MAX_7_DIGITS), 116, 7)
  writeOctal(block, fitting(entry.size ?? 0, MAX_11_DIGITS), 124, 11)
  writeOctal(block, fitting(entry.mtime.seconds, MAX_11_DIGITS), 136, 11)
  block.write(flag, 156, 1, 'latin1')
  if (entry.link) byteStringToBuffer(entry.link).copy(block, 157, 0, 100)
  if (entry.device) {
    writeOctal(block, entry.device.major, 329, 7)
    writeOctal(block, entry.device.minor, 337, 7)
  }
  block.write(place.prefix, 345, 155, 'latin1')
  writeChecksum(block)
  return block
}

/** A number that a PAX record carries when its field cannot. */
function fitting(value: number, max: number): number {
  return value < 0 || value > max ? 0 : value
}

function writeOctal(block: Buffer, value: number, start: number, digits: number): void {
  let rest = value
  for (let i = start + digits - 1; i >= start; i--) {
    block[i] = 0x30 + (rest % 8)
    rest = Math.floor(rest / 8)
  }
}

function writeChecksum(block: Buffer): void {
  let sum = 8 * 0x20
  for (let i = 0; i < TAR_BLOCK; i++) sum += block[i]!
  writeOctal(block, sum, 148, 6)
  block[155] = 0x20
}
