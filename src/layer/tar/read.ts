import { asBuffer, type Bytes, checkCanceled, type Job, silentJob } from '../../core/index.ts'
import { type LayerLimits, layerLimits, overLimit } from '../limits.ts'
import type { SparseSegment, TarEntry } from './entry.ts'
import { TarParser } from './parser.ts'

/** One entry of an archive that is being read. */
export interface TarMember {
  entry: TarEntry
  /** Where the entry's stored body begins, counted in the uncompressed archive. */
  offset: number
  /**
   * The content of a file, with the holes of a sparse one as zeros. Read it before asking for the next member: what
   * is left of it then is skipped.
   */
  body: Bytes
}

/**
 * Reads an uncompressed tar archive entry by entry, in its order, duplicates included. Global PAX headers are skipped.
 * Fails with `TAR_INVALID` for a malformed archive and `LAYER_LIMIT_EXCEEDED` past a limit.
 */
export async function* readTar(
  bytes: Bytes,
  options: { limits?: Partial<LayerLimits> } = {},
  job: Job = silentJob,
): AsyncGenerator<TarMember, void, void> {
  const limits = layerLimits(options.limits)
  const events = new EventQueue(bytes, limits, job)
  let entries = 0
  try {
    for (;;) {
      const event = await events.next()
      if (event === undefined) return
      if (Buffer.isBuffer(event)) continue
      if (++entries > limits.entries) {
        throw overLimit('entries', event.entry.name, `entry number ${entries}`, limits.entries)
      }
      const { entry, offset } = event
      yield { entry, offset, body: entry.sparse ? fillHoles(entry.sparse, entry.size, events) : bodyOf(events) }
    }
  } finally {
    await events.close()
  }
}

interface EntryEvent {
  entry: TarEntry
  offset: number
}

/** The parser's findings of one chunk at a time, pulled. */
class EventQueue {
  readonly #source: AsyncIterator<Uint8Array>
  readonly #parser: TarParser
  readonly #job: Job
  readonly #limits: LayerLimits
  #ready: (EntryEvent | Buffer)[] = []
  #at = 0
  #bytes = 0
  #done = false

  constructor(bytes: Bytes, limits: LayerLimits, job: Job) {
    this.#source = bytes[Symbol.asyncIterator]()
    this.#job = job
    this.#limits = limits
    this.#parser = new TarParser(
      {
        entry: (entry, offset) => void this.#ready.push({ entry, offset }),
        body: (piece) => void this.#ready.push(piece),
      },
      limits,
    )
  }

  async next(): Promise<EntryEvent | Buffer | undefined> {
    const event = await this.peek()
    if (event !== undefined) this.#at++
    return event
  }

  async peek(): Promise<EntryEvent | Buffer | undefined> {
    while (this.#at === this.#ready.length) {
      if (this.#done) return undefined
      this.#ready = []
      this.#at = 0
      await this.#readChunk()
    }
    return this.#ready[this.#at]
  }

  async #readChunk(): Promise<void> {
    checkCanceled(this.#job)
    const { value, done } = await this.#source.next()
    if (done) {
      this.#done = true
      return this.#parser.finish()
    }
    this.#bytes += value.length
    this.#parser.push(asBuffer(value))
    if (this.#bytes > this.#limits.bytes) {
      throw overLimit(
        'bytes',
        this.#lastName(),
        `an archive of more than ${this.#limits.bytes} bytes`,
        this.#limits.bytes,
      )
    }
  }

  #lastName(): TarEntry['name'] {
    const last = this.#ready.findLast((event) => !Buffer.isBuffer(event)) as EntryEvent | undefined
    return last?.entry.name ?? ('' as TarEntry['name'])
  }

  async close(): Promise<void> {
    if (!this.#done) await this.#source.return?.()
    this.#done = true
  }
}

async function* bodyOf(events: EventQueue): Bytes {
  while (Buffer.isBuffer(await events.peek())) yield (await events.next()) as Buffer
}

const ZEROS = Buffer.alloc(64 << 10)

function* zeros(count: number): Generator<Buffer> {
  for (let left = count; left > 0; left -= ZEROS.length) yield left < ZEROS.length ? ZEROS.subarray(0, left) : ZEROS
}

/** The body of a sparse file: its stored segments, with zeros between and behind them. */
async function* fillHoles(segments: readonly SparseSegment[], size: number, events: EventQueue): Bytes {
  const stored = new ByteReader(events)
  let at = 0
  for (const segment of segments) {
    yield* zeros(segment.start - at)
    yield* stored.take(segment.length)
    at = segment.start + segment.length
  }
  yield* zeros(size - at)
}

/** Cuts the pieces of a body to the lengths asked for. */
class ByteReader {
  readonly #events: EventQueue
  #rest: Buffer = Buffer.alloc(0)

  constructor(events: EventQueue) {
    this.#events = events
  }

  async *take(count: number): Bytes {
    for (let left = count; left > 0; ) {
      if (this.#rest.length === 0) {
        if (!Buffer.isBuffer(await this.#events.peek())) return
        this.#rest = (await this.#events.next()) as Buffer
      }
      const piece = this.#rest.subarray(0, left)
      this.#rest = this.#rest.subarray(piece.length)
      left -= piece.length
      yield piece
    }
  }
}
