import { closeSync, type FSWatcher, fstatSync, openSync, readSync, watch } from 'node:fs'
import { createPacer, errnoOf, type Job } from '../core/index.ts'

/** One piece of a container's output: a line with its line end, or a part of one. */
export interface LogEntry {
  /** RFC 3339 with nanoseconds. */
  time: string
  stream: 'stdout' | 'stderr'
  /** With the line feed, when the line is complete. */
  text: Buffer
}

const CHUNK = 64 << 10
const SPACE = 0x20
const LINE_FEED = 0x0a

/**
 * Reads a log as conmon writes it, a line per piece: `TIME STREAM F|P TEXT`, F for a complete line, P for a part. What
 * is there comes at once; with `follow`, more comes as it is written until `follow.ended()` says that no more will.
 */
export async function* readLog(
  file: string,
  options: { follow?: { ended: () => boolean } },
  job: Job,
): AsyncGenerator<LogEntry> {
  const fd = openSync(file, 'r')
  const pace = createPacer()
  let rest: Buffer = Buffer.alloc(0)
  let at = 0
  try {
    for (;;) {
      // asked before reading: what is written before the end is seen
      const ended = options.follow?.ended() ?? true
      const buffer = Buffer.allocUnsafe(CHUNK)
      const length = readSync(fd, buffer, 0, CHUNK, at)
      at += length
      if (length > 0) {
        const { entries, left } = parse(Buffer.concat([rest, buffer.subarray(0, length)]))
        rest = left
        yield* entries
        await pace()
      } else if (ended || job.signal?.aborted) return
      else await changed(file, () => fstatSync(fd).size > at, job)
    }
  } finally {
    closeSync(fd)
  }
}

function parse(bytes: Buffer): { entries: LogEntry[]; left: Buffer } {
  const entries: LogEntry[] = []
  let at = 0
  for (let end = bytes.indexOf(LINE_FEED); end >= 0; end = bytes.indexOf(LINE_FEED, at)) {
    const entry = parseLine(bytes.subarray(at, end))
    if (entry) entries.push(entry)
    at = end + 1
  }
  return { entries, left: bytes.subarray(at) }
}

function parseLine(line: Buffer): LogEntry | undefined {
  const first = line.indexOf(SPACE)
  const second = line.indexOf(SPACE, first + 1)
  const third = line.indexOf(SPACE, second + 1)
  const stream = line.toString('latin1', first + 1, second)
  if (third < 0 || (stream !== 'stdout' && stream !== 'stderr')) return undefined
  const complete = line[second + 1] === 0x46
  const text = line.subarray(third + 1)
  return {
    time: line.toString('latin1', 0, first),
    stream,
    text: complete ? Buffer.concat([text, Buffer.from('\n')]) : Buffer.from(text),
  }
}

/** Waits until there is more, a moment has passed, or the job is stopped. */
function changed(file: string, isThereMore: () => boolean, job: Job): Promise<void> {
  return new Promise((resolve) => {
    const watcher = watchUnlessGone(file)
    const done = (): void => {
      clearTimeout(timer)
      watcher?.close()
      job.signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, 250)
    watcher?.once('change', done)
    job.signal?.addEventListener('abort', done, { once: true })
    if (job.signal?.aborted || isThereMore()) done()
  })
}

/** The container may be removed while its log is read; what was open can be read to its end. */
function watchUnlessGone(file: string): FSWatcher | undefined {
  try {
    return watch(file)
  } catch (error) {
    if (errnoOf(error) === 'ENOENT') return undefined
    throw error
  }
}
