import type { ProgressEvent } from '../../../core/index.ts'

/**
 * A way to show progress: it takes events and answers, when asked, with the text to write next. It has no timers and
 * no streams of its own, so a test can feed it any clock. Times are milliseconds since the epoch.
 */
export interface ProgressRenderer {
  add(event: ProgressEvent, now: number): void
  /** What to write now; `''` when nothing changed. */
  render(now: number): string
  /** The last words. Nothing is rendered afterwards. */
  finish(now: number): string
  /** How often to render while no events come, in milliseconds; 0 for never. */
  readonly interval: number
}
