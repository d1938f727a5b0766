import { cleanLogLine } from '../escape.ts'

/** A line is cut here, so that output without newlines stays bounded. UTF-16 units. */
const MAX_LINE = 32 * 1024

/** A line that is safe to show, and when it began. */
export interface LogLine {
  text: string
  at: number
}

/** Turns the chunks of one output stream into lines. */
export interface LogLines {
  /** The lines that this chunk completed. */
  add(chunk: Uint8Array, now: number): LogLine[]
  /** The line that is not complete yet, `''` when there is none. */
  readonly partial: string
  /** Ends the stream: the unfinished line, if there is one. */
  end(): LogLine[]
}

/** Starts a stream of log lines. With `colors`, colour sequences stay and are closed at the end of their line. */
export function createLogLines(options: { colors?: boolean } = {}): LogLines {
  const decoder = new TextDecoder()
  let rest = ''
  let since = 0
  const clean = (line: string): string => {
    const shown = cleanLogLine(line, options)
    return shown.includes('\x1b') ? `${shown}\x1b[0m` : shown
  }
  return {
    add(chunk, now) {
      if (rest === '') since = now
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n')
      rest = lines.pop()!
      while (rest.length > MAX_LINE) {
        lines.push(rest.slice(0, MAX_LINE))
        rest = rest.slice(MAX_LINE)
      }
      const done = lines.map((line, i) => ({ text: clean(line), at: i === 0 ? since : now }))
      if (done.length > 0) since = now
      return done
    },
    get partial() {
      return clean(rest)
    },
    end() {
      const last = rest + decoder.decode()
      rest = ''
      return last === '' ? [] : [{ text: clean(last), at: since }]
    },
  }
}
