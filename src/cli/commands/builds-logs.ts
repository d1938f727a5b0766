import { type Command, defineCommand } from '../command.ts'
import { createProgressRenderer } from '../render/progress/index.ts'
import { withEngine } from '../session.ts'

/** `slipway builds logs`: the whole log, as the build would have shown it. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] [BUILD]',
  operands: { min: 0, max: 1 },
  flags: {
    progress: { kind: 'choice', choices: ['plain', 'rawjson'], default: 'plain', about: 'Set type of progress output' },
  },
  run: (context) =>
    withEngine(context, async (engine) => {
      const { flags, args, io, env, signal } = context
      const mode = flags.progress === 'rawjson' ? 'rawjson' : 'plain'
      const renderer = createProgressRenderer(mode, () => io.stdout.terminal(), { env })
      let last = 0
      for await (const { at, event } of engine.builds.log(args[0] ?? '^0')) {
        if (signal.aborted) return 130
        last = at
        renderer.add(event, at)
        const text = renderer.render(at)
        if (text !== '') await io.stdout.write(text)
      }
      await io.stdout.write(renderer.finish(last))
      return 0
    }),
})
