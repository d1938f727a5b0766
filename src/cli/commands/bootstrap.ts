import { type Command, defineCommand } from '../command.ts'
import { chooseProgressMode, createProgressRenderer, openProgress } from '../render/progress/index.ts'
import { jobOf, withEngine } from '../session.ts'

/** `slipway bootstrap`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] debian[:SUITE]|busybox [TAG]',
  description:
    'Make a base image without a registry: Debian from its own packages (with mmdebstrap), or busybox from the\nstatically linked program of this machine',
  operands: { min: 1, max: 2 },
  flags: {
    progress: {
      kind: 'string',
      default: 'auto',
      about: 'Set type of progress output ("auto", "none", "plain", "quiet", "rawjson", "tty")',
    },
    quiet: { kind: 'bool', short: 'q', about: 'Only print the image ID' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io, env } = context
      const mode = flags.quiet ? 'quiet' : chooseProgressMode(flags.progress, io.stderr.terminal(), env)
      const renderer = createProgressRenderer(mode, () => io.stderr.terminal(), { env, phase: 'Bootstrapping' })
      const progress = openProgress(renderer, (text) => io.stderr.writeNow(text))
      try {
        const [what = '', tag] = args
        const job = jobOf(context, (event) => progress.progress(event))
        const image = await engine.bootstrap({ what, ...(tag === undefined ? {} : { tag }) }, job)
        progress.close()
        await io.stdout.write(`${image.id}\n`)
        return 0
      } finally {
        progress.close()
      }
    }),
})
