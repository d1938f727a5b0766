import type { SendRange } from '../extensions.ts'
import { refuse } from '../failure.ts'

/**
 * The bytes that a `Range` header asks for (RFC 9110, 14.2). `undefined` means the whole: without the header, for other
 * units and for several ranges at once, which servers may ignore. Fails with `RANGE_INVALID` (416).
 */
export function parseRange(header: string | undefined, size: number): SendRange | undefined {
  if (header === undefined) return undefined
  const match = /^bytes=\s*(\d{0,16})-(\d{0,16})\s*$/i.exec(header)
  if (!match || (match[1] === '' && match[2] === '')) return undefined
  const [first, last] = [match[1]!, match[2]!]
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size : Math.min(size, Number(last) + 1)
  if (start >= end) {
    const headers = { 'Content-Range': `bytes */${size}` }
    throw refuse('RANGE_INVALID', 'the range is not satisfiable', { detail: { size }, headers })
  }
  return { start, end }
}

/** The inclusive range of bytes that a chunk of an upload says it is. Fails with `RANGE_INVALID`. */
export function parseChunkRange(header: string | undefined): { start: number; length: number } | undefined {
  if (header === undefined) return undefined
  const match = /^(\d{1,15})-(\d{1,15})$/.exec(header)
  const [start, last] = [Number(match?.[1]), Number(match?.[2])]
  if (!match || last < start) throw refuse('RANGE_INVALID', 'Content-Range must be <first>-<last>', { status: 400 })
  return { start, length: last - start + 1 }
}
