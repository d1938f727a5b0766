import { SlipwayError } from '../../core/index.ts'
import type { Engine, PastBuild } from '../../engine/index.ts'
import type { CommandContext } from '../command.ts'
import { enterStep } from '../commands/run.ts'
import { chooseColors } from '../render/colors.ts'
import { renderBuildError } from '../render/error.ts'
import { explain } from './explain.ts'
import type { BuildFlags } from './flags.ts'
import { reportOf } from './result.ts'

/** What Docker's builder finds before it begins to solve has one phrase less. */
export function phrased(error: unknown): unknown {
  if (!(error instanceof SlipwayError) || error.fault === 'canceled') return error
  const before: string[] = [
    ...['CONTEXT_MISSING', 'USAGE_INVALID', 'HOST_CA_MISSING', 'EPOCH_INVALID'],
    ...['OUTPUT_INVALID', 'OUTPUT_UNSUPPORTED'],
  ]
  const ofFlags: string[] = ['REFERENCE_INVALID', 'BUILD_UNSUPPORTED', 'PLATFORM_INVALID']
  if (before.includes(error.code) || (ofFlags.includes(error.code) && !error.span)) return error
  return changed(error, { message: `failed to solve: ${error.message}` })
}

function changed(error: SlipwayError, { message = error.message, hint = error.hint }): SlipwayError {
  const { code, span, data, cause } = error
  return new SlipwayError(code, message, {
    data,
    cause,
    ...(hint === undefined ? {} : { hint }),
    ...(span ? { span } : {}),
  })
}

/** A step that failed can be entered: how is said, or, with `--debug` in a terminal, done. */
function withStepHint(error: unknown): unknown {
  const step = stepOf(error)
  if (step === undefined || !(error instanceof SlipwayError)) return error
  const command = `slipway run --rm -it ${step}`
  const hint = `${error.hint === undefined ? '' : `${error.hint}\n`}look around where it failed: ${command}`
  return changed(error, { hint })
}

function stepOf(error: unknown): string | undefined {
  const step = error instanceof SlipwayError ? error.data['step'] : undefined
  return typeof step === 'string' ? step : undefined
}

/** What is remembered of the build; nothing when it did not come so far as to have a record. */
function recordOf(engine: Engine, error: unknown): PastBuild | undefined {
  const id = error instanceof SlipwayError ? error.data['build'] : undefined
  return typeof id === 'string' ? engine.builds.inspect(id) : undefined
}

/** Tells why a build failed, and lets the user in where it did if they want that. Answers with the exit code. */
export async function tellFailure(
  engine: Engine,
  context: CommandContext & { flags: BuildFlags },
  error: unknown,
): Promise<number> {
  const { io, env, flags, globals } = context
  const record = recordOf(engine, error)
  if (record?.explanation) await explain(context, record.explanation)
  if (record && flags.report) await io.stdout.write(reportOf(record, flags.report))
  const { columns, colors } = io.stderr.terminal()
  const style = { columns, colors: chooseColors(colors, env), debug: globals.debug }
  await io.stderr.write(renderBuildError(phrased(withStepHint(error)), style))
  const step = stepOf(error)
  if (flags.debug && step !== undefined && io.stdin().isTTY && io.stdout.terminal().isTerminal) {
    await io.stderr.write(`entering ${step}; "exit" leaves, "slipway build --resume" builds on\n`)
    await enterStep(engine, step, context)
  }
  return error instanceof SlipwayError && error.fault === 'canceled' ? 130 : 1
}
