import type { ByteString } from '../../core/index.ts'
import { type LayerLimits, overLimit } from '../limits.ts'
import { type SparseSegment, TAR_BLOCK } from './entry.ts'
import { readNumber, tarInvalid } from './header.ts'

/** Start and length of a stretch of data, in turn, as all the sparse formats list them. */
export type SparseMap = number[]

/** What the messages need. */
interface Place {
  name: ByteString
  at: number
  limits: LayerLimits
}

/**
 * Turns a map into segments of the stored body. Fails with `TAR_INVALID` when the stretches overlap, run backwards,
 * leave the file or need more bytes than are stored.
 */
export function sparseSegments(map: SparseMap, size: number, stored: number, place: Place): SparseSegment[] {
  const segments: SparseSegment[] = []
  let [end, offset] = [0, 0]
  if (map.length % 2 !== 0) throw tarInvalid('invalid sparse map: it has an odd number of values', place.at)
  for (let i = 0; i < map.length; i += 2) {
    const [start, length] = [map[i]!, map[i + 1]!]
    if (start < end || length < 0 || start + length > size) {
      throw tarInvalid('invalid sparse map: its stretches overlap or leave the file', place.at)
    }
    if (length > 0) segments.push({ start, length, offset })
    offset += length
    end = start + length
  }
  if (offset > stored) throw tarInvalid('invalid sparse map: the entry holds fewer bytes than it lists', place.at)
  return segments
}

/** The map of PAX sparse formats 0.0 and 0.1: numbers between commas. */
export function parseSparseList(text: string, place: Place): SparseMap {
  const limit = place.limits.sparseSegments * 2
  const values = text.split(',', limit + 1)
  checkLength(values.length, place)
  return values.map((value) => mapNumber(value, place))
}

/**
 * Collects the map of PAX sparse format 1.0: the entry's body begins with decimal lines, a count and then that many
 * pairs, filled up to a whole block.
 */
export class SparseTextMap {
  readonly #place: Place
  readonly #values: SparseMap = []
  #rest = ''
  #wanted: number | undefined

  constructor(place: Place) {
    this.#place = place
  }

  /** Takes the next block; returns the map when it is complete. */
  push(block: Buffer): SparseMap | undefined {
    const lines = (this.#rest + block.toString('latin1')).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) {
      if (this.#values.length === this.#wanted) break
      const value = mapNumber(line, this.#place)
      if (this.#wanted === undefined) {
        checkLength(value * 2, this.#place)
        this.#wanted = value * 2
      } else this.#values.push(value)
    }
    if (this.#values.length === this.#wanted) return this.#values
    if (this.#rest.length >= TAR_BLOCK) throw tarInvalid('invalid sparse map: a line is too long', this.#place.at)
    return undefined
  }
}

/** Pairs in the block of old GNU sparse entries: `count` of them from `start`, ended early by an empty one. */
export function readSparsePairs(block: Buffer, start: number, count: number, map: SparseMap, place: Place): void {
  for (let i = start; i < start + count * 24 && block[i] !== 0; i += 24) {
    map.push(readNumber(block, i, 12, place.at), readNumber(block, i + 12, 12, place.at))
  }
  checkLength(map.length, place)
}

function checkLength(values: number, { name, limits }: Place): void {
  const segments = Math.ceil(values / 2)
  if (segments > limits.sparseSegments) {
    throw overLimit('sparseSegments', name, `a sparse map of ${segments} stretches`, limits.sparseSegments)
  }
}

function mapNumber(text: string, place: Place): number {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN
  if (!Number.isSafeInteger(value)) throw tarInvalid('invalid sparse map: a value is not a number', place.at)
  return value
}
