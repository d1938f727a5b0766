import { parsePlatform } from '../../oci/index.ts'
import { type Command, defineCommand } from '../command.ts'
import { warningJob, withEngine } from '../session.ts'

/** `slipway import`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] file|URL|- [REPOSITORY[:TAG]]',
  operands: { min: 1, max: 2, completes: 'file' },
  flags: {
    change: { kind: 'list', short: 'c', about: 'Apply Dockerfile instruction to the created image' },
    message: { kind: 'string', short: 'm', default: '', about: 'Set commit message for imported image' },
    platform: { kind: 'string', about: 'Set platform if server is multi-platform capable' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io } = context
      const [sourceName = '-', tag] = args
      const isFile = sourceName !== '-' && !/^https?:\/\//.test(sourceName)
      const request = {
        source: sourceName === '-' ? (io.stdin() as AsyncIterable<Uint8Array>) : sourceName,
        sourceName: isFile ? '-' : sourceName,
        changes: flags.change,
        message: flags.message,
        ...(tag === undefined ? {} : { tag }),
        ...(flags.platform === undefined ? {} : { platform: parsePlatform(flags.platform) }),
      }
      const { job, tellWarnings } = warningJob(context)
      const image = await engine.images.import(request, job)
      await tellWarnings()
      await io.stdout.write(`${image.id}\n`)
      return 0
    }),
})
