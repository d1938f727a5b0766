import { createLogLines } from './log-lines.ts'

/** The last lines that a running step printed, and how much it printed. */
export interface LogWindow {
  readonly height: number
  /** Grows with the output, and with every frame that shows the window. */
  weight: number
  add(stream: 'stdout' | 'stderr', chunk: Uint8Array): void
  /** At most `height` lines, blank ones left out; the last may still be unfinished. */
  lines(): string[]
}

/** An empty window of a number of lines. */
export function createLogWindow(height: number): LogWindow {
  const streams = { stdout: createLogLines(), stderr: createLogLines() }
  let kept: string[] = []
  return {
    height,
    weight: 0,
    add(stream, chunk) {
      this.weight += chunk.length
      const lines = streams[stream].add(chunk, 0).slice(-height)
      kept = [...kept, ...lines.map((line) => line.text)].slice(-height)
    },
    lines() {
      const unfinished = [streams.stdout.partial, streams.stderr.partial]
      return [...kept, ...unfinished].filter((line) => line.trim() !== '').slice(-height)
    },
  }
}
