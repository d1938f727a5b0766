import { type Command, defineCommand } from '../command.ts'
import { jobOf, withEngine } from '../session.ts'

/** `slipway __exited ID`: what the monitor of a `run -d --rm` container runs when it has ended. */
export const command: Command = defineCommand({
  usage: 'ID',
  operands: { min: 1, max: 1 },
  flags: {},
  run: (context) =>
    withEngine(context, async (engine) => {
      await engine.containers.wait(context.args[0]!, jobOf(context))
      await engine.containers.remove(context.args[0]!, {}, jobOf(context))
      return 0
    }),
})
