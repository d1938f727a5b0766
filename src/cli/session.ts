import { fail } from '../core/index.ts'
import type { Engine, Job, ProgressEvent } from '../engine/index.ts'
import type { CommandContext } from './command.ts'
import { escapeMessage } from './render/escape.ts'

/** What every command needs of its context. */
type Context = Pick<CommandContext, 'globals' | 'signal'> & Partial<Pick<CommandContext, 'env'>>

/** Opens the engine over the store that the command line names, for the time of `work`. */
export async function withEngine<T>(context: Context, work: (engine: Engine) => Promise<T>): Promise<T> {
  const { openEngine } = await import('../engine/index.ts')
  const { root } = context.globals
  using engine = openEngine({ ...(root === undefined ? {} : { root }), registries: { env: registryEnv(context) } })
  return await work(engine)
}

/** The environment in which settings of registries are looked for: `--config` goes before DOCKER_CONFIG. */
export function registryEnv({ globals, env = process.env }: Context): NodeJS.ProcessEnv {
  return globals.config === undefined ? env : { ...env, DOCKER_CONFIG: globals.config }
}

/** A job that the user's Ctrl-C stops. */
export function jobOf(context: Context, progress: (event: ProgressEvent) => void = () => {}): Job {
  return { progress, signal: context.signal }
}

/**
 * A job like that of `jobOf` which also keeps the warnings. `tellWarnings` prints them to stderr, a line each: call it
 * when nothing is drawn any more.
 */
export function warningJob(
  context: Context & Pick<CommandContext, 'io'>,
  progress: (event: ProgressEvent) => void = () => {},
): { job: Job; tellWarnings(): Promise<void> } {
  const lines: string[] = []
  const job = jobOf(context, (event) => {
    if (event.type === 'warning') lines.push(`warning: ${escapeMessage(event.message)}\n`)
    progress(event)
  })
  return { job, tellWarnings: () => context.io.stderr.write(lines.splice(0).join('')) }
}

/** Runs `work` on each operand, in order; what fails is printed, the others go on. Answers with Docker's exit code, 0 or 1. */
export async function forEachOperand(
  context: Pick<CommandContext, 'args' | 'io'>,
  work: (operand: string) => Promise<void>,
): Promise<number> {
  const { renderError } = await import('./render/error.ts')
  let code = 0
  for (const operand of context.args) {
    try {
      await work(operand)
    } catch (error) {
      code = 1
      await context.io.stderr.write(renderError(error))
    }
  }
  return code
}

/** `--filter name=value` as values by name. */
export function filtersOf(pairs: readonly string[]): Record<string, string[]> {
  const filters: Record<string, string[]> = {}
  for (const pair of pairs) {
    const cut = pair.indexOf('=')
    if (cut < 0) throw badFilter(pair)
    const name = pair.slice(0, cut).trim().toLowerCase()
    filters[name] = [...(filters[name] ?? []), pair.slice(cut + 1).trim()]
  }
  return filters
}

function badFilter(pair: string): Error {
  return fail(
    'FILTER_INVALID',
    `invalid argument "${pair}" for "-f, --filter" flag: invalid filter '${pair}': must be in the form name=value`,
  )
}
