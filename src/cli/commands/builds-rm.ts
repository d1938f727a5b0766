import { fail } from '../../core/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, withEngine } from '../session.ts'

/** `slipway builds rm`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [BUILD...]',
  operands: { min: 0 },
  flags: { all: { kind: 'bool', about: 'Remove all build records' } },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      if (flags.all === args.length > 0) {
        throw fail(
          'USAGE_INVALID',
          flags.all ? 'cannot specify refs when using --all' : 'must specify either a build or --all',
        )
      }
      const ended = flags.all ? engine.builds.list().filter(({ status }) => status !== 'running') : []
      const names = flags.all ? ended.map(({ id }) => id) : args
      return forEachOperand({ args: names, io }, async (name) => {
        await io.stdout.write(`${engine.builds.remove(name)}\n`)
      })
    }),
})
