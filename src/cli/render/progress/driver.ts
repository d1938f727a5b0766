import type { ProgressEvent } from '../../../core/index.ts'
import type { ProgressRenderer } from './renderer.ts'

/** A renderer that is connected to the clock and to a place to write to. */
export interface ProgressDriver {
  /** Give this to a `Job`. */
  progress(event: ProgressEvent): void
  /** Writes the last words and stops the clock. Calling it again does nothing. */
  close(): void
}

/** The least time between two frames. */
const FRAME_MS = 100

/**
 * Lets a renderer write: after an event, at most ten times a second, and at the renderer's own pace while nothing
 * happens. The timer does not keep the process alive. `clock` is for tests.
 */
export function openProgress(
  renderer: ProgressRenderer,
  write: (text: string) => void,
  clock: () => number = Date.now,
): ProgressDriver {
  let last = Number.NEGATIVE_INFINITY
  let timer: NodeJS.Timeout | undefined
  let isClosed = false
  const frame = (): void => {
    clearTimeout(timer)
    timer = undefined
    last = clock()
    const text = renderer.render(last)
    if (text !== '') write(text)
    if (renderer.interval > 0) schedule(renderer.interval)
  }
  const schedule = (delay: number): void => {
    clearTimeout(timer)
    timer = setTimeout(frame, delay)
    timer.unref()
  }
  return {
    progress(event) {
      if (isClosed) return
      renderer.add(event, clock())
      const wait = last + FRAME_MS - clock()
      if (wait <= 0 || renderer.interval === 0) frame()
      else if (timer === undefined) schedule(wait)
    },
    close() {
      if (isClosed) return
      isClosed = true
      clearTimeout(timer)
      const text = renderer.finish(clock())
      if (text !== '') write(text)
    },
  }
}
