import { fail } from '../../../core/index.ts'
import { chooseColors } from '../colors.ts'
import type { Terminal } from '../terminal.ts'
import { createPlainProgress } from './plain.ts'
import { createQuietProgress } from './quiet.ts'
import { createRawJsonProgress } from './raw-json.ts'
import type { ProgressRenderer } from './renderer.ts'
import { createTtyProgress } from './tty.ts'

/** The values of `--progress`. */
export const PROGRESS_MODES = ['auto', 'none', 'plain', 'quiet', 'rawjson', 'tty'] as const
export type ProgressMode = (typeof PROGRESS_MODES)[number]

/**
 * The mode to use: what the flag says, else `BUILDKIT_PROGRESS`, else `auto`, which is `tty` on a terminal and `plain`
 * elsewhere. Fails with `USAGE_INVALID` for an unknown word and for `tty` without a terminal.
 */
export function chooseProgressMode(
  flag: string | undefined,
  terminal: Terminal,
  env: NodeJS.ProcessEnv = process.env,
): Exclude<ProgressMode, 'auto' | 'none'> {
  const wanted = flag && flag !== 'auto' ? flag : env['BUILDKIT_PROGRESS'] || 'auto'
  switch (wanted) {
    case 'auto':
      return terminal.isTerminal ? 'tty' : 'plain'
    case 'tty':
      if (!terminal.isTerminal) throw fail('USAGE_INVALID', 'failed to get console: provided file is not a console')
      return 'tty'
    case 'none':
    case 'quiet':
      return 'quiet'
    case 'plain':
    case 'rawjson':
      return wanted
    default:
      throw fail('USAGE_INVALID', `invalid progress mode ${wanted}`, {
        hint: `Use one of ${PROGRESS_MODES.join(', ')}.`,
      })
  }
}

/**
 * The renderer of a mode. `terminal` is asked before each frame, so that it follows the size; `heading` is the `#0` line
 * of plain progress.
 */
export function createProgressRenderer(
  mode: Exclude<ProgressMode, 'auto' | 'none'>,
  terminal: () => Terminal,
  options: { env?: NodeJS.ProcessEnv; heading?: string; phase?: string } = {},
): ProgressRenderer {
  const env = options.env ?? process.env
  switch (mode) {
    case 'quiet':
      return createQuietProgress()
    case 'rawjson':
      return createRawJsonProgress()
    case 'plain':
      // Logs keep their colours unless the user does not want any: CI systems show them without being terminals.
      return createPlainProgress({
        colors: !env['NO_COLOR'],
        ...(options.heading === undefined ? {} : { heading: options.heading }),
      })
    default: {
      const lines = Number.parseInt(env['BUILDKIT_TTY_LOG_LINES'] ?? '', 10)
      return createTtyProgress({
        size: terminal,
        colors: chooseColors(terminal().colors, env),
        ...(options.phase === undefined ? {} : { phase: options.phase }),
        ...(lines > 0 ? { logLines: lines } : {}),
      })
    }
  }
}
