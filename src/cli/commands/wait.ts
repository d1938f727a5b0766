import { type Command, defineCommand } from '../command.ts'
import { forEachOperand, jobOf, withEngine } from '../session.ts'

/** `slipway wait`. */
export const command: Command = defineCommand({
  usage: 'CONTAINER [CONTAINER...]',
  operands: { min: 1, completes: 'container' },
  flags: {},
  run: (context) =>
    withEngine(context, (engine) =>
      forEachOperand(context, async (name) => {
        await context.io.stdout.write(`${await engine.containers.wait(name, jobOf(context))}\n`)
      }),
    ),
})
