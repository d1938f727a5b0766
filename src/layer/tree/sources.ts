import { closeSync, openSync, readSync } from 'node:fs'
import { fail } from '../../core/index.ts'
import { piecesOf } from './extents.ts'
import type { DataSource, Extent } from './node.ts'

/** Reads bytes of files in layers; keeps the sources open until it is closed. */
export class SourceReader implements Disposable {
  readonly #open: Map<string, number> = new Map()

  /** Fills `target` with the content of a file from `position` on: `target` must not reach over the file's end. */
  read(extents: readonly Extent[], position: number, target: Buffer): void {
    for (const piece of piecesOf(extents, position, position + target.length)) {
      const part = target.subarray(piece.start - position, piece.start - position + piece.length)
      if (piece.extent)
        this.readSource(piece.extent.source, piece.extent.offset + piece.start - piece.extent.start, part)
      else part.fill(0)
    }
  }

  /** Fills `target` from a place in a source. Fails with `LAYER_DATA_MISSING` when the source is too short. */
  readSource(source: DataSource, offset: number, target: Buffer): void {
    const fd = this.#fd(source)
    for (let at = 0; at < target.length; ) {
      const read = readSync(fd, target, at, target.length - at, offset + at)
      if (read === 0) throw missing(source)
      at += read
    }
  }

  #fd(source: DataSource): number {
    let fd = this.#open.get(source.path)
    if (fd === undefined) {
      fd = openSource(source)
      this.#open.set(source.path, fd)
    }
    return fd
  }

  [Symbol.dispose](): void {
    for (const fd of this.#open.values()) closeSync(fd)
    this.#open.clear()
  }
}

function openSource(source: DataSource): number {
  try {
    return openSync(source.path, 'r')
  } catch (cause) {
    throw missing(source, cause)
  }
}

function missing(source: DataSource, cause?: unknown): Error {
  const what = source.diffId ?? source.path
  return fail('LAYER_DATA_MISSING', `the content of layer ${what} is missing or cut short`, {
    cause,
    data: { path: source.path },
    hint: 'pull or build the image again.',
  })
}
