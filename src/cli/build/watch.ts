import { fail } from '../../core/index.ts'
import type { Engine, FileChange, ProgressEvent, WatchRound } from '../../engine/index.ts'
import type { CommandContext } from '../command.ts'
import { chooseColors } from '../render/colors.ts'
import { renderBuildError } from '../render/error.ts'
import { escapeMessage } from '../render/escape.ts'
import {
  chooseProgressMode,
  createProgressRenderer,
  openProgress,
  type ProgressDriver,
  renderWarnings,
} from '../render/progress/index.ts'
import { jobOf } from '../session.ts'
import type { BuildFlags } from './flags.ts'
import { requestOf } from './request.ts'

type Context = CommandContext & { flags: BuildFlags }

const SIGNS = { added: '+', changed: '~', removed: '-' } as const
const MOST_CHANGES = 20

/** What makes no sense for a build that is done again and again. */
const ONCE = ['iidfile', 'metadata-file', 'explain', 'report', 'check', 'update-lock'] as const

/**
 * Builds whenever a file changes, until Ctrl-C, which is no error. `phrased` gives an error of a build the words that
 * it has in a build that is done once.
 */
export async function watchBuild(
  engine: Engine,
  context: Context,
  phrased: (error: unknown) => unknown,
): Promise<number> {
  const { flags, io, env } = context
  const refused = ONCE.find((name) => context.given.has(name))
  if (refused) throw fail('USAGE_INVALID', `--watch and --${refused} exclude each other`)
  const mode = flags.quiet ? 'quiet' : chooseProgressMode(flags.progress, io.stderr.terminal(), env)
  const round: { progress?: ProgressDriver; warnings: Extract<ProgressEvent, { type: 'warning' }>[] } = { warnings: [] }
  const listen = (event: ProgressEvent): void => {
    if (event.type === 'warning') round.warnings.push(event)
    round.progress?.progress(event)
  }
  const begun = (changes: readonly FileChange[]): void => {
    round.warnings = []
    if (!flags.quiet) io.stderr.writeNow(describeChanges(changes))
    const renderer = createProgressRenderer(mode, () => io.stderr.terminal(), { env, heading: 'building with Slipway' })
    round.progress = openProgress(renderer, (text) => io.stderr.writeNow(text))
  }
  const ended = async (result: WatchRound): Promise<void> => {
    round.progress?.close()
    const { columns, colors } = io.stderr.terminal()
    const debug = { debug: context.globals.debug }
    if (!flags.quiet) await io.stderr.write(renderWarnings(round.warnings, debug))
    if (result.error !== undefined) {
      const options = { columns, colors: chooseColors(colors, env), ...debug }
      await io.stderr.write(renderBuildError(phrased(result.error), options))
    }
    if (flags.quiet && result.report?.image) await io.stdout.write(`${result.report.id}\n`)
    if (!flags.quiet) await io.stderr.write(describeRound(result))
  }
  try {
    await engine.watch(await requestOf(context), { begun, ended }, jobOf(context, listen))
    return 0
  } finally {
    round.progress?.close()
  }
}

function describeChanges(changes: readonly FileChange[]): string {
  if (changes.length === 0) return ''
  const lines = changes.slice(0, MOST_CHANGES).map(({ kind, path }) => `  ${SIGNS[kind]} ${escapeMessage(path)}\n`)
  const more = changes.length - lines.length
  const rest = more > 0 ? `  and ${more} more\n` : ''
  return `\n${counted(changes.length, 'file')} changed\n${lines.join('')}${rest}`
}

function describeRound({ report, milliseconds, files }: WatchRound): string {
  const time = `${(milliseconds / 1000).toFixed(1)}s`
  const watched = `watching ${counted(files, 'file')}, Ctrl-C ends`
  if (!report) return `failed after ${time}; ${watched}\n`
  return `built in ${time}, ${report.steps - report.cachedSteps} of ${counted(report.steps, 'step')} ran; ${watched}\n`
}

const counted = (count: number, what: string): string => `${count} ${what}${count === 1 ? '' : 's'}`
