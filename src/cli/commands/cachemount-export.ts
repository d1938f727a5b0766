import { fail } from '../../core/index.ts'
import { saveFile } from '../../transfer/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** `slipway cachemount export`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] ID [FILE|-]',
  operands: { min: 1, max: 2 },
  flags: { output: { kind: 'string', short: 'o', completes: 'file', about: 'Write to a file, instead of STDOUT' } },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const [name = '', file = '-'] = args
      const target = flags.output ?? file
      if (target === '-' && io.stdout.terminal().isTerminal) {
        throw fail('USAGE_INVALID', 'cowardly refusing to save to a terminal. Use the -o flag or redirect')
      }
      const bytes = engine.cacheMounts.export(name, jobOf(context))
      if (target !== '-') await saveFile(target, bytes)
      else for await (const chunk of bytes) await io.stdout.write(chunk)
      return 0
    }),
})
