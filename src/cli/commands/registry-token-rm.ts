import { type Command, defineCommand } from '../command.ts'
import { REGISTRY_FLAGS, withRobotsOf } from '../registry-root.ts'
import { forEachOperand } from '../session.ts'

/** `slipway registry token rm`. */
export const command: Command = defineCommand({
  usage: '[OPTIONS] NAME [NAME...]',
  operands: { min: 1 },
  flags: REGISTRY_FLAGS,
  run: (context) =>
    withRobotsOf(context, (robots) =>
      forEachOperand(context, async (name) => {
        await robots.remove(name)
        await context.io.stdout.write(`${name}\n`)
      }),
    ),
})
