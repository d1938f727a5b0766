import type { ByteString } from '../../core/index.ts'
import { type LayerLimits, overLimit, quoteName } from '../limits.ts'
import { type Assembled, assembleEntry, type Extensions } from './assemble.ts'
import { TAR_BLOCK, type TarEntry } from './entry.ts'
import { isZeroBlock, parseHeader, type RawHeader, readNumber, readText, tarInvalid } from './header.ts'
import { parsePax } from './pax.ts'
import { readSparsePairs, type SparseMap, SparseTextMap, sparseSegments } from './sparse.ts'

/** Who is told what the parser finds. */
export interface TarEvents {
  /** A new entry; `offset` is where its stored body begins in the archive, `stored` how long it is. */
  entry(entry: TarEntry, offset: number, stored: number): void
  /** A piece of the stored body of the last entry. Not called for bodies when it is missing. */
  body?(piece: Buffer): void
}

/** What the parser does with the bytes that come next. */
type State =
  | { kind: 'header' }
  | { kind: 'body'; left: number; padding: number }
  | { kind: 'collect'; into: Buffer; have: number; padding: number; use: (bytes: Buffer) => void }
  | { kind: 'end' }

const HEADER: State = { kind: 'header' }
const END: State = { kind: 'end' }

/**
 * Reads a tar archive that is pushed in as chunks of any size: v7, ustar, PAX, GNU and star, with GNU and PAX sparse
 * files. Bodies are never held. Global PAX headers are skipped, as Docker does. Bytes after the end mark are ignored.
 * Fails with `TAR_INVALID` or `LAYER_LIMIT_EXCEEDED`; the parser is of no use after that.
 */
export class TarParser {
  readonly #events: TarEvents
  readonly #limits: LayerLimits
  readonly #block: Buffer = Buffer.alloc(TAR_BLOCK)
  #inBlock = 0
  #state: State = HEADER
  #position = 0
  #sawZeroBlock = false
  #extensions: Extensions = {}
  #hasExtensions = false
  #lastName: ByteString = '' as ByteString

  constructor(events: TarEvents, limits: LayerLimits) {
    this.#events = events
    this.#limits = limits
  }

  /** Takes the next chunk. Its bytes are not kept, except those passed on through `body`. */
  push(chunk: Buffer): void {
    let at = 0
    while (at < chunk.length) {
      const state = this.#state
      const used =
        state.kind === 'header'
          ? this.#pushHeader(chunk, at)
          : state.kind === 'body'
            ? this.#pushBody(state, chunk, at)
            : state.kind === 'collect'
              ? this.#pushCollect(state, chunk, at)
              : chunk.length - at
      at += used
      this.#position += used
    }
  }

  /** How many of the next bytes of the archive the parser has no use for: a reader that can seek may leave them out. */
  get skippable(): number {
    if (this.#state.kind === 'end') return Number.POSITIVE_INFINITY
    return this.#state.kind === 'body' && !this.#events.body ? this.#state.left + this.#state.padding : 0
  }

  /** Tells the parser that `bytes` were left out, as `skippable` allows. */
  skip(bytes: number): void {
    const state = this.#state
    this.#position += bytes
    if (state.kind !== 'body') return
    const fromBody = Math.min(bytes, state.left)
    state.left -= fromBody
    state.padding -= bytes - fromBody
    if (state.left + state.padding === 0) this.#state = HEADER
  }

  /** Ends the archive. A missing end mark and missing padding are forgiven; a cut header or body is not. */
  finish(): void {
    const state = this.#state
    if (state.kind === 'body' && state.left > 0) {
      throw tarInvalid(`unexpected EOF: the archive ends inside of ${quoteName(this.#lastName)}`, this.#position)
    }
    const inHeader = state.kind === 'header' && (this.#inBlock > 0 || this.#hasExtensions)
    if (inHeader || state.kind === 'collect') {
      throw tarInvalid('unexpected EOF: the archive ends inside of a header', this.#position)
    }
  }

  #pushHeader(chunk: Buffer, at: number): number {
    if (this.#inBlock === 0 && chunk.length - at >= TAR_BLOCK) {
      this.#readHeader(chunk.subarray(at, at + TAR_BLOCK), this.#position)
      return TAR_BLOCK
    }
    const used = chunk.copy(this.#block, this.#inBlock, at, at + TAR_BLOCK - this.#inBlock)
    this.#inBlock += used
    if (this.#inBlock === TAR_BLOCK) {
      this.#inBlock = 0
      this.#readHeader(this.#block, this.#position + used - TAR_BLOCK)
    }
    return used
  }

  #pushBody(state: Extract<State, { kind: 'body' }>, chunk: Buffer, at: number): number {
    const fromBody = Math.min(state.left, chunk.length - at)
    if (fromBody > 0) this.#events.body?.(chunk.subarray(at, at + fromBody))
    const used = Math.min(state.left + state.padding, chunk.length - at)
    state.left -= fromBody
    state.padding -= used - fromBody
    if (state.left + state.padding === 0) this.#state = HEADER
    return used
  }

  #pushCollect(state: Extract<State, { kind: 'collect' }>, chunk: Buffer, at: number): number {
    const copied = chunk.copy(state.into, state.have, at)
    state.have += copied
    const padding = Math.min(state.padding, chunk.length - at - copied)
    state.padding -= padding
    if (state.have === state.into.length && state.padding === 0) {
      this.#state = HEADER
      state.use(state.into)
    }
    return copied + padding
  }

  #readHeader(block: Buffer, at: number): void {
    if (isZeroBlock(block)) {
      if (this.#sawZeroBlock) this.#state = END
      this.#sawZeroBlock = true
      return
    }
    if (this.#sawZeroBlock) throw tarInvalid('invalid tar header: a single block of zeros before it', at)
    const header = parseHeader(block, at)
    const extension = this.#extensionOf(header.flag, at)
    if (extension) this.#collectExtension(header, at, extension)
    else this.#startEntry(header, block, at)
  }

  /** What to do with the body of a header that says something about the next entry, or about all that follow. */
  #extensionOf(flag: number, at: number): ((body: Buffer) => void) | undefined {
    const next = this.#extensions
    switch (String.fromCharCode(flag)) {
      case 'x':
        return (body) => {
          next.pax = parsePax(body, at)
        }
      case 'L':
        return (body) => {
          next.longName = readText(body, 0, body.length)
        }
      case 'K':
        return (body) => {
          next.longLink = readText(body, 0, body.length)
        }
      case 'g':
        return (body) => void parsePax(body, at)
      default:
        return undefined
    }
  }

  #collectExtension(header: RawHeader, at: number, use: (body: Buffer) => void): void {
    if (header.size < 0) throw tarInvalid('invalid tar header: the size is negative', at)
    if (header.size > this.#limits.paxBytes) {
      throw overLimit('paxBytes', header.name, `a header of ${header.size} bytes`, this.#limits.paxBytes)
    }
    if (header.flag !== 0x67) this.#hasExtensions = true
    if (header.size === 0) use(Buffer.alloc(0))
    else this.#collect(header.size, use)
  }

  #collect(bytes: number, use: (body: Buffer) => void): void {
    this.#state = { kind: 'collect', into: Buffer.allocUnsafe(bytes), have: 0, padding: paddingOf(bytes), use }
  }

  #startEntry(header: RawHeader, block: Buffer, at: number): void {
    const assembled = assembleEntry(header, this.#extensions, this.#limits, at)
    if (this.#hasExtensions) this.#extensions = {}
    this.#hasExtensions = false
    this.#lastName = assembled.entry.name
    const start = at + TAR_BLOCK
    if (header.flag === 0x53 /* S */) this.#readOldSparse(assembled, block, start)
    else if (assembled.mapInBody) this.#readTextMap(assembled, start)
    else this.#emit(assembled, start)
  }

  /** Old GNU sparse: four pairs in the header, then blocks of 21 pairs as long as each says that one follows. */
  #readOldSparse(assembled: Assembled, block: Buffer, start: number): void {
    const place = { name: assembled.entry.name, at: start - TAR_BLOCK, limits: this.#limits }
    const map: SparseMap = []
    assembled.realSize = readNumber(block, 483, 12, place.at)
    if (assembled.realSize < 0) throw tarInvalid('invalid sparse header: the size is negative', place.at)
    assembled.map = map
    readSparsePairs(block, 386, 4, map, place)
    const next = (more: number, at: number): void => {
      if (more === 0) this.#emit(assembled, at)
      else
        this.#collect(TAR_BLOCK, (extension) => {
          readSparsePairs(extension, 0, 21, map, place)
          next(extension[504]!, at + TAR_BLOCK)
        })
    }
    next(block[482]!, start)
  }

  #readTextMap(assembled: Assembled, start: number): void {
    const text = new SparseTextMap({ name: assembled.entry.name, at: start - TAR_BLOCK, limits: this.#limits })
    const next = (at: number): void => {
      if (assembled.stored < TAR_BLOCK) throw tarInvalid('invalid sparse map: it leaves the entry', at)
      this.#collect(TAR_BLOCK, (block) => {
        assembled.stored -= TAR_BLOCK
        assembled.map = text.push(block)
        if (assembled.map) this.#emit(assembled, at + TAR_BLOCK)
        else next(at + TAR_BLOCK)
      })
    }
    next(start)
  }

  #emit({ entry, stored, realSize, map }: Assembled, offset: number): void {
    if (map && realSize !== undefined) {
      const place = { name: entry.name, at: offset, limits: this.#limits }
      entry.sparse = sparseSegments(map, realSize, stored, place)
      entry.size = realSize
    }
    this.#state = stored === 0 ? HEADER : { kind: 'body', left: stored, padding: paddingOf(stored) }
    this.#events.entry(entry, offset, stored)
  }
}

/** Bytes from the end of `size` bytes to the next block. */
export function paddingOf(size: number): number {
  return (TAR_BLOCK - (size % TAR_BLOCK)) % TAR_BLOCK
}
