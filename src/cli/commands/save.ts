import { fail } from '../../core/index.ts'
import { parsePlatform } from '../../oci/index.ts'
import { saveFile } from '../../transfer/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** `slipway save`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] IMAGE [IMAGE...]',
  operands: { min: 1, completes: 'image' },
  flags: {
    output: { kind: 'string', short: 'o', completes: 'file', about: 'Write to a file, instead of STDOUT' },
    platform: {
      kind: 'string',
      about: 'Save only the given platform variant. Formatted as "os[/arch[/variant]]" (e.g., "linux/amd64")',
    },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      if (!flags.output && io.stdout.terminal().isTerminal) {
        throw fail('USAGE_INVALID', 'cowardly refusing to save to a terminal. Use the -o flag or redirect')
      }
      const options = flags.platform === undefined ? {} : { platform: parsePlatform(flags.platform) }
      const bytes = engine.images.save(args, options, jobOf(context))
      if (flags.output) await saveFile(flags.output, bytes)
      else for await (const chunk of bytes) await io.stdout.write(chunk)
      return 0
    }),
})
