import { createReadStream, existsSync } from 'node:fs'
import { fail } from '../../core/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { escapeName } from '../render/escape.ts'
import { warningJob, withEngine } from '../session.ts'

/** `slipway cachemount import`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] ID [FILE|-]',
  operands: { min: 1, max: 2 },
  flags: {
    input: { kind: 'string', short: 'i', completes: 'file', about: 'Read from tar archive file, instead of STDIN' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const [name = '', file = '-'] = args
      const from = flags.input ?? file
      if (from !== '-' && !existsSync(from)) throw fail('USAGE_INVALID', `open ${from}: no such file or directory`)
      const source = (from === '-' ? io.stdin() : createReadStream(from)) as AsyncIterable<Uint8Array>
      const { job, tellWarnings } = warningJob(context)
      const { id } = await engine.cacheMounts.import({ name, source }, job)
      await tellWarnings()
      await io.stdout.write(`${escapeName(id)}\n`)
      return 0
    }),
})
