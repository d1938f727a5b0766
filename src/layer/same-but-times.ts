import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { checkCanceled, createPacer, type Job } from '../core/index.ts'
import { TAR_BLOCK } from './tar/entry.ts'

/** The plain tar of a layer, and the time in which its step ran, both ends included, in Unix seconds. */
export interface TimedTar {
  path: string
  from: number
  to: number
}

const CHUNK = 1 << 20
/** A larger entry has its size in a PAX record. */
const LARGEST = 0o77777777777

const MTIME = { start: 136, end: 148 }
const CHECKSUM_END = 156
const SIZE = { start: 124, end: 136 }

/**
 * Whether two layers that this program wrote differ in nothing but times that only say when their steps ran: a time may
 * differ where it lies in the step's own time in both. A time that a step has set (`touch -d`, an unpacked archive) is
 * content. Reads no further than the first difference; a layer with more than 8 GiB counts as another one.
 */
export async function sameButTimes(a: TimedTar, b: TimedTar, job: Job): Promise<boolean> {
  const fds = [openSync(a.path, 'r'), openSync(b.path, 'r')] as const
  try {
    const size = fstatSync(fds[0]).size
    if (size !== fstatSync(fds[1]).size || size > LARGEST) return false
    const comparison = new Comparison(a, b)
    const buffers = [Buffer.allocUnsafe(CHUNK), Buffer.allocUnsafe(CHUNK)] as const
    const pace = createPacer()
    for (let at = 0; at < size; ) {
      const [left, right] = [0, 1].map((side) => readWhole(fds[side]!, buffers[side]!, at)) as [Buffer, Buffer]
      if (left.length === 0 || !comparison.next(left, right)) return false
      at += left.length
      checkCanceled(job)
      await pace()
    }
    return true
  } finally {
    for (const fd of fds) closeSync(fd)
  }
}

function readWhole(fd: number, buffer: Buffer, position: number): Buffer {
  let length = 0
  for (let n = -1; n !== 0 && length < buffer.length; length += n)
    n = readSync(fd, buffer, length, buffer.length - length, position + length)
  return buffer.subarray(0, length)
}

class Comparison {
  readonly #a: TimedTar
  readonly #b: TimedTar
  /** Bytes of the current entry's body, with its padding, that are still to come. */
  #body = 0

  constructor(a: TimedTar, b: TimedTar) {
    this.#a = a
    this.#b = b
  }

  /** The next stretch of both, in whole blocks. */
  next(left: Buffer, right: Buffer): boolean {
    for (let at = 0; at < left.length; ) {
      const end = this.#body > 0 ? Math.min(left.length, at + this.#body) : at + TAR_BLOCK
      const [one, other] = [left.subarray(at, end), right.subarray(at, end)]
      if (this.#body > 0) {
        if (!one.equals(other)) return false
        this.#body -= one.length
      } else if (!this.#header(one, other)) return false
      at = end
    }
    return true
  }

  #header(one: Buffer, other: Buffer): boolean {
    if (!one.equals(other)) {
      const same = (start: number, end: number): boolean => one.subarray(start, end).equals(other.subarray(start, end))
      if (!same(0, MTIME.start) || !same(CHECKSUM_END, TAR_BLOCK)) return false
      if (!isWithin(one, this.#a) || !isWithin(other, this.#b)) return false
    }
    const size = octal(one, SIZE)
    if (size === undefined) return false
    this.#body = Math.ceil(size / TAR_BLOCK) * TAR_BLOCK
    return true
  }
}

function isWithin(header: Buffer, { from, to }: TimedTar): boolean {
  const time = octal(header, MTIME)
  return time !== undefined && time >= from && time <= to
}

function octal(header: Buffer, { start, end }: { start: number; end: number }): number | undefined {
  const digits = header.toString('latin1', start, end).replace(/[\0 ]+$/, '')
  if (digits === '') return 0
  return /^[0-7]{1,11}$/.test(digits) ? Number.parseInt(digits, 8) : undefined
}
