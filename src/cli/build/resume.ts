import { fail } from '../../core/index.ts'
import type { Engine } from '../../engine/index.ts'
import type { CommandContext } from '../command.ts'
import { parseArguments } from '../grammar.ts'
import { type BuildFlags, FLAGS } from './flags.ts'

type Context = CommandContext & { flags: BuildFlags }

/** What stands in a record in place of a value that is not kept. */
const MASK = '***'

/**
 * The command line of the latest build, which failed, to be done again where it was done: what it had finished is in the
 * cache, whatever was edited since counts. Changes the current folder. Fails with `RESUME_IMPOSSIBLE`.
 */
export function resumed(engine: Engine, context: Context): Context {
  const [build] = engine.builds.list()
  if (!build) throw impossible('nothing was built in this store yet')
  if (build.status === 'completed') throw impossible(`the latest build (${build.id}) succeeded`)
  if (!build.invocation) throw impossible(`build ${build.id} was not begun by this command`)
  const { words, folder } = build.invocation
  if (words.some((word) => word.includes(MASK))) {
    throw impossible(`build ${build.id} was given secrets as arguments, which are not kept`)
  }
  process.chdir(folder)
  const { values, given, operands } = parseArguments(words, FLAGS, { stopsAtOperand: false })
  const flags = { ...(values as BuildFlags), debug: context.flags.debug || (values as BuildFlags).debug, resume: false }
  return { ...context, flags, given, args: operands, words }
}

function impossible(problem: string): Error {
  return fail('RESUME_IMPOSSIBLE', problem, { hint: 'give the whole command instead: slipway build ... PATH' })
}
