import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, jobOf, withEngine } from '../session.ts'

/** `slipway start`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] CONTAINER [CONTAINER...]',
  operands: { min: 1, completes: 'container' },
  flags: {},
  run: (context) =>
    withEngine(context, (engine) =>
      forEachOperand(context, async (name) => {
        await engine.containers.start(name, {}, jobOf(context))
        await context.io.stdout.write(`${name}\n`)
      }),
    ),
})
