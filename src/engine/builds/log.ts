import { closeSync, createReadStream, openSync, statSync, writeSync } from 'node:fs'
import path from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { type Bytes, hasCode, type ProgressEvent } from '../../core/index.ts'
import { decompress } from '../../layer/index.ts'

/** An event of a build, and when it came (Unix milliseconds). */
export interface LoggedEvent {
  at: number
  event: ProgressEvent
}

const FRAME = 256 << 10
const FLUSH_AFTER = 1000

const fileIn = (folder: string): string => path.join(folder, 'log.zst')

/**
 * Writes all events of a build to `log.zst` in a folder, as lines of JSON in zstd frames. A frame goes to disk when it is
 * full or a second old, so that a build which is killed has a log too. A log that cannot be written ends; the build does not.
 */
export class BuildLogWriter implements Disposable {
  #fd: number | undefined
  #lines: string[] = []
  #pending = 0
  #timer: NodeJS.Timeout | undefined
  #written = 0

  constructor(folder: string) {
    this.#try(() => {
      this.#fd = openSync(fileIn(folder), 'ax', 0o600)
    })
  }

  /** Bytes in the file. */
  get bytes(): number {
    return this.#written
  }

  add(event: ProgressEvent, at: number): void {
    if (this.#fd === undefined) return
    const line = JSON.stringify({ at, ...plainEvent(event) })
    this.#lines.push(line)
    this.#pending += line.length + 1
    if (this.#pending >= FRAME) this.flush()
    else this.#timer ??= setTimeout(() => this.flush(), FLUSH_AFTER).unref()
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    const fd = this.#fd
    if (fd === undefined || this.#lines.length === 0) return
    const frame = zstdCompressSync(`${this.#lines.join('\n')}\n`)
    this.#lines = []
    this.#pending = 0
    this.#try(() => {
      for (let at = 0; at < frame.length; ) at += writeSync(fd, frame, at)
      this.#written += frame.length
    })
  }

  [Symbol.dispose](): void {
    this.flush()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** A disk that is full must not fail a build that needs no more of it. */
  #try(work: () => void): void {
    try {
      work()
    } catch {
      if (this.#fd !== undefined) closeSync(this.#fd)
      this.#fd = undefined
    }
  }
}

/** Bytes as text where they are text; of a place in a file its name and line, not the whole file. */
function plainEvent(event: ProgressEvent): Record<string, unknown> {
  if (event.type === 'log') {
    const { chunk, ...rest } = event
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    const text = buffer.toString('utf8')
    return Buffer.from(text).equals(buffer) ? { ...rest, text } : { ...rest, base64: buffer.toString('base64') }
  }
  if (event.type !== 'warning' || !event.span) return event
  const { span, ...rest } = event
  return { ...rest, file: span.source.name, line: span.line }
}

/** The log of a build as far as it was written; none for a folder without one. */
export async function* readBuildLog(folder: string): AsyncGenerator<LoggedEvent> {
  const file = fileIn(folder)
  if (!statSync(file, { throwIfNoEntry: false })?.isFile()) return
  try {
    const { bytes } = await decompress(createReadStream(file) as Bytes)
    for await (const line of linesOf(bytes)) {
      const event = parseLine(line)
      if (event) yield event
    }
  } catch (error) {
    // the last frame of a build that was killed may be cut off
    if (!hasCode(error, 'COMPRESSION_INVALID')) throw error
  }
}

async function* linesOf(bytes: Bytes): AsyncGenerator<string> {
  let rest: Buffer[] = []
  for await (const chunk of bytes) {
    const buffer = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    let start = 0
    for (let end = buffer.indexOf(10); end >= 0; end = buffer.indexOf(10, start)) {
      yield Buffer.concat([...rest, buffer.subarray(start, end)]).toString('utf8')
      rest = []
      start = end + 1
    }
    rest.push(Buffer.from(buffer.subarray(start)))
  }
}

function parseLine(line: string): LoggedEvent | undefined {
  try {
    const { at, text, base64, ...event } = JSON.parse(line) as {
      at: number
      text?: string
      base64?: string
      type: string
    }
    if (event.type !== 'log') return { at, event: (text === undefined ? event : { ...event, text }) as ProgressEvent }
    const chunk = base64 === undefined ? Buffer.from(text ?? '') : Buffer.from(base64, 'base64')
    return { at, event: { ...event, chunk } as unknown as ProgressEvent }
  } catch {
    return undefined
  }
}
