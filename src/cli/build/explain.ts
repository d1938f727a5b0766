import { fail } from '../../core/index.ts'
import type { ExplainedStep } from '../../engine/index.ts'
import type { CommandIo } from '../io.ts'
import { firstReason, renderExplanation } from '../render/explanation.ts'
import { findSteps } from './steps.ts'

/** What is needed of the command. */
interface Context {
  flags: { explain?: string | undefined; 'expect-cached': readonly string[] }
  io: CommandIo
}

/** Refuses a value of `--explain` that is none, before anything is built. */
export function checkExplain(format: string | undefined): void {
  if (format === undefined || format === 'text' || format === 'json') return
  throw fail('USAGE_INVALID', `invalid argument "${format}" for "--explain" flag: must be one of "text", "json"`)
}

/** Prints what `--explain` asks for. */
export async function explain({ flags, io }: Context, steps: readonly ExplainedStep[]): Promise<void> {
  if (flags.explain === undefined) return
  await io.stdout.write(flags.explain === 'json' ? `${JSON.stringify({ steps }, null, 2)}\n` : renderExplanation(steps))
}

/** The exit code: 3 when a step of `--expect-cached` missed the cache, which is said. */
export async function checkExpected({ flags, io }: Context, steps: readonly ExplainedStep[]): Promise<number> {
  const expected = flags['expect-cached'].flatMap((wanted) => findSteps(steps, wanted))
  const missed = [...new Set(expected)].filter((step) => step.result !== 'HIT')
  for (const step of missed) {
    await io.stderr.write(`ERROR: expected to be cached: ${step.label}: ${firstReason(step)}\n`)
  }
  return missed.length > 0 ? 3 : 0
}
