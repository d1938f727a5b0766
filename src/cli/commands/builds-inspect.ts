import { type Command, defineCommand } from '../command.ts'
import { OBJECT_FORMAT } from '../format-flag.ts'
import { describeRecord, recordObject } from '../render/build-report.ts'
import { withEngine } from '../session.ts'

/** `slipway builds inspect`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [BUILD]',
  operands: { min: 0, max: 1 },
  flags: { format: OBJECT_FORMAT },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const record = engine.builds.inspect(args[0] ?? '^0')
      if (flags.format === '') await io.stdout.write(describeRecord(record, Date.now()))
      else {
        const { renderObject } = await import('../template/index.ts')
        await io.stdout.write(`${renderObject(flags.format, recordObject(record, Date.now()))}\n`)
      }
      return 0
    }),
})
