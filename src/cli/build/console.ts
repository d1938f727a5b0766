import type { ProgressEvent } from '../../engine/index.ts'
import type { CommandContext } from '../command.ts'
import { chooseProgressMode, createProgressRenderer, openProgress, renderWarnings } from '../render/progress/index.ts'
import type { BuildFlags } from './flags.ts'

/** Where a build shows itself: progress while it works, its warnings at the end. */
export interface BuildConsole {
  listen(event: ProgressEvent): void
  /** Ends the progress and prints the warnings, after `text`. */
  close(text?: string): Promise<void>
}

/** Opens it on stderr, in the way that the flags ask for. */
export function openConsole({ flags, io, env, globals }: CommandContext & { flags: BuildFlags }): BuildConsole {
  const mode = flags.quiet ? 'quiet' : chooseProgressMode(flags.progress, io.stderr.terminal(), env)
  const heading = 'building with Slipway, no daemon'
  const renderer = createProgressRenderer(mode, () => io.stderr.terminal(), { env, heading })
  const progress = openProgress(renderer, (text) => io.stderr.writeNow(text))
  const warnings: Extract<ProgressEvent, { type: 'warning' }>[] = []
  return {
    listen(event) {
      if (event.type === 'warning') warnings.push(event)
      progress.progress(event)
    },
    async close(text = '') {
      progress.close()
      if (!flags.quiet) await io.stderr.write(text + renderWarnings(warnings, { debug: globals.debug }))
    },
  }
}
