import type { Engine, Job } from '../../engine/index.ts'
import type { CommandContext } from '../command.ts'
import { createProgressRenderer, openProgress } from '../render/progress/index.ts'
import { jobOf } from '../session.ts'

/** What the steps of the demonstration share. */
export interface Demo {
  engine: Engine
  say(text: string): Promise<void>
  /** Runs work that reports progress. */
  watch<T>(work: (job: Job) => Promise<T>): Promise<T>
}

/** A demonstration that speaks on standard output and shows its progress on the other. */
export function createDemo(engine: Engine, context: CommandContext): Demo {
  const { io, env } = context
  return {
    engine,
    say: (text) => io.stdout.write(`${text}\n`),
    async watch(work) {
      const mode = io.stderr.terminal().isTerminal ? 'tty' : 'plain'
      const renderer = createProgressRenderer(mode, () => io.stderr.terminal(), { env })
      const progress = openProgress(renderer, (text) => io.stderr.writeNow(text))
      try {
        return await work(jobOf(context, (event) => progress.progress(event)))
      } finally {
        progress.close()
      }
    },
  }
}
