import { tarInvalid } from './header.ts'

/** The records of a PAX header: keyword (latin1) to value. */
export type PaxRecords = Map<string, Buffer>

/** Extended attributes travel under this prefix. */
export const PAX_XATTR = 'SCHILY.xattr.'

/**
 * Reads `length keyword=value\n` records (POSIX.1-2001 pax, "pax Extended Header"). The offsets and lengths of sparse
 * format 0.0, which repeat their keywords, come back joined by commas under `GNU.sparse.map`.
 * Fails with `TAR_INVALID`; `at` is the place in the archive, for messages.
 */
export function parsePax(body: Buffer, at: number): PaxRecords {
  const records: PaxRecords = new Map()
  const sparse: string[] = []
  let start = 0
  while (start < body.length) {
    const record = readRecord(body, start, at)
    const { key, value } = record
    if (key === 'GNU.sparse.offset' || key === 'GNU.sparse.numbytes') sparse.push(value.toString('latin1'))
    // An empty value takes a record back, says POSIX; but an empty extended attribute is one, as GNU tar writes it.
    else if (value.length === 0 && !key.startsWith(PAX_XATTR)) records.delete(key)
    else records.set(key, value)
    start = record.end
  }
  if (sparse.length > 0) records.set('GNU.sparse.map', Buffer.from(sparse.join(','), 'latin1'))
  return records
}

function readRecord(body: Buffer, start: number, at: number): { key: string; value: Buffer; end: number } {
  let length = 0
  let i = start
  for (; i < body.length && i < start + 10 && body[i] !== 0x20; i++) {
    const digit = body[i]! - 0x30
    if (digit < 0 || digit > 9) throw tarInvalid('invalid PAX header: a record has no length', at)
    length = length * 10 + digit
  }
  const end = start + length
  const equals = body.indexOf(0x3d, i)
  if (body[i] !== 0x20 || end > body.length || body[end - 1] !== 0x0a || equals <= i + 1 || equals >= end) {
    throw tarInvalid('invalid PAX header: a record is malformed', at)
  }
  const key = body.toString('latin1', i + 1, equals)
  const value = body.subarray(equals + 1, end - 1)
  if (key.includes('\0') || (NAMES.has(key) && value.includes(0))) {
    throw tarInvalid(`invalid PAX header: ${JSON.stringify(key.slice(0, 100))} holds a NUL byte`, at)
  }
  return { key, value, end }
}

const NAMES = new Set(['path', 'linkpath', 'uname', 'gname', 'GNU.sparse.name'])

/** A whole number in a record, `undefined` when the record is missing. */
export function paxInteger(records: PaxRecords, key: string, at: number): number | undefined {
  const text = records.get(key)?.toString('latin1')
  if (text === undefined) return undefined
  const value = /^[+-]?\d{1,64}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw tarInvalid(`invalid PAX header: ${key} is not a number that fits`, at)
  return value
}

/** `mtime` with its fraction cut at nanoseconds; `-1.5` is half a second before one second before 1970. */
export function paxTime(
  records: PaxRecords,
  key: string,
  at: number,
): { seconds: number; nanoseconds: number } | undefined {
  const text = records.get(key)?.toString('latin1')
  if (text === undefined) return undefined
  const match = /^([+-]?)(\d{1,15})(?:\.(\d{0,100}))?$/.exec(text)
  if (!match) throw tarInvalid(`invalid PAX header: ${key} is not a time`, at)
  const seconds = Number(match[2])
  const nanoseconds = Number((match[3] ?? '').slice(0, 9).padEnd(9, '0'))
  if (match[1] !== '-') return { seconds, nanoseconds }
  return nanoseconds === 0
    ? { seconds: 0 - seconds, nanoseconds }
    : { seconds: -seconds - 1, nanoseconds: 1e9 - nanoseconds }
}
