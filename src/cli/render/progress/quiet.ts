import type { ProgressRenderer } from './renderer.ts'

/** Shows nothing. */
export function createQuietProgress(): ProgressRenderer {
  return { interval: 0, add() {}, render: () => '', finish: () => '' }
}
